export declare const url: string;
export declare const username: string;
export declare const password: string;
type Ask = (method: string, path: string, body?: object) => Promise<any>;
export declare const ask: Ask;
export declare const administrator: () => Promise<{ id: string; ask: Ask }>;
export declare const defineField: (admin: { ask: Ask }, key: string, label: string) => Promise<void>;
