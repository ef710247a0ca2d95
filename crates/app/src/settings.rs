//! The settings there are: upstream's names and defaults, and a few of our own.
//!
//! One table, in two rooms: the house's here, the widget's in `settings/widget.rs`. What is in
//! neither does not exist. Evidence: contract/around.md 2.4 and 6.3.

mod widget;

use domain::email::Email;
use domain::pattern::Pattern;
use domain::phone::Region;
use serde_json::{Value, json};

/// The country whose notation a phone number without a country code is read in (ours).
pub const DEFAULT_REGION: &str = "Concord_Default_Phone_Region";

/// The form of usernames, a JavaScript expression that all of a username must match.
pub const USERNAME_FORM: &str = "Accounts_UsernameValidation";

/// Whether a visitor is recognised by its e-mail and phone too (ours), or by its token alone.
pub const RECOGNISE_VISITORS: &str = "Concord_Recognise_Visitors";

/// How many messages one visitor may write in a minute (ours); 0 is without limit.
pub const VISITOR_MESSAGES_PER_MINUTE: &str = "Concord_Visitor_Messages_Per_Minute";

/// Whose address mail is sent from.
pub const FROM_EMAIL: &str = "From_Email";

/// Where messages go that visitors leave while nobody is there; several addresses with commas.
pub const OFFLINE_EMAIL: &str = "Livechat_offline_email";

/// Whether visitors may leave messages while nobody is there.
pub const DISPLAY_OFFLINE_FORM: &str = "Livechat_display_offline_form";

/// Whether users may show as offline while they are there.
pub const ALLOW_INVISIBLE: &str = "Accounts_AllowInvisibleStatusOption";

/// Who may make themselves a user, and its choices: nobody, everybody, or whoever knows the secret.
pub const REGISTRATION_FORM: &str = "Accounts_RegistrationForm";
/// Nobody registers.
pub const REGISTRATION_DISABLED: &str = "Disabled";
/// Everybody may.
pub const REGISTRATION_PUBLIC: &str = "Public";
/// Whoever knows [`REGISTRATION_SECRET`] may.
pub const REGISTRATION_BY_SECRET: &str = "Secret URL";
/// What there is to know.
pub const REGISTRATION_SECRET: &str = "Accounts_RegistrationForm_SecretURL";

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// On or off.
    Boolean(bool),
    /// A whole number, not below nothing.
    Integer(i64),
    /// Any text.
    Text(&'static str),
    /// A text for which this holds, as it does for the default.
    Form(&'static str, fn(&str) -> bool),
    /// One of these; the first is the default.
    OneOf(&'static [&'static str]),
    /// A list of some of these, each once; none is the default.
    SomeOf(&'static [&'static str]),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct SettingSpec {
    /// Its name.
    pub id: &'static str,
    /// What it takes, and its default.
    pub kind: Kind,
    /// Whether anyone may read it.
    pub public: bool,
}

impl SettingSpec {
    /// The value while nobody has changed it.
    pub fn default_value(&self) -> Value {
        match self.kind {
            Kind::Boolean(on) => json!(on),
            Kind::Integer(number) => json!(number),
            Kind::Text(text) | Kind::Form(text, _) => json!(text),
            Kind::OneOf(choices) => json!(choices.first()),
            Kind::SomeOf(_) => json!([]),
        }
    }

    /// Whether the setting may take this value.
    pub fn takes(&self, value: &Value) -> bool {
        match self.kind {
            Kind::Boolean(_) => value.is_boolean(),
            Kind::Integer(_) => value.as_i64().is_some_and(|number| number >= 0),
            Kind::Text(_) => value.is_string(),
            Kind::Form(_, holds) => value.as_str().is_some_and(holds),
            Kind::OneOf(choices) => value.as_str().is_some_and(|text| choices.contains(&text)),
            Kind::SomeOf(choices) => value.as_array().is_some_and(|list| is_some_of(list, choices)),
        }
    }
}

/// The setting of that name.
pub fn find(id: &str) -> Option<&'static SettingSpec> {
    all().find(|spec| spec.id == id)
}

/// Every setting.
pub fn all() -> impl Iterator<Item = &'static SettingSpec> {
    SETTINGS.iter().chain(widget::SETTINGS)
}

fn is_some_of(list: &[Value], choices: &[&str]) -> bool {
    let is_known = |item: &Value| item.as_str().is_some_and(|text| choices.contains(&text));
    let is_first = |(place, item): (usize, &Value)| !list[..place].contains(item);
    list.iter().all(is_known) && list.iter().enumerate().all(is_first)
}

const fn flag(id: &'static str, default: bool) -> SettingSpec {
    SettingSpec { id, kind: Kind::Boolean(default), public: false }
}

const fn number(id: &'static str, default: i64) -> SettingSpec {
    SettingSpec { id, kind: Kind::Integer(default), public: false }
}

const fn text(id: &'static str, default: &'static str) -> SettingSpec {
    SettingSpec { id, kind: Kind::Text(default), public: false }
}

const fn form(id: &'static str, default: &'static str, holds: fn(&str) -> bool) -> SettingSpec {
    SettingSpec { id, kind: Kind::Form(default, holds), public: false }
}

fn is_pattern(text: &str) -> bool {
    Pattern::compile(text).is_ok()
}

fn is_address_or_empty(text: &str) -> bool {
    text.is_empty() || Email::parse(text).is_ok()
}

fn are_addresses_or_empty(text: &str) -> bool {
    text.is_empty() || text.split(',').all(|part| Email::parse(part).is_ok())
}

fn is_region_or_empty(text: &str) -> bool {
    text.is_empty() || Region::parse(text).is_ok()
}

const fn one_of(id: &'static str, choices: &'static [&'static str]) -> SettingSpec {
    SettingSpec { id, kind: Kind::OneOf(choices), public: false }
}

const fn some_of(id: &'static str, choices: &'static [&'static str]) -> SettingSpec {
    SettingSpec { id, kind: Kind::SomeOf(choices), public: false }
}

const fn public(spec: SettingSpec) -> SettingSpec {
    SettingSpec { public: true, ..spec }
}

/// The settings of the house.
const SETTINGS: &[SettingSpec] = &[
    number("API_Default_Count", 50),
    number("API_Upper_Count_Limit", 100),
    flag("API_Allow_Infinite_Count", true),
    flag("API_Enable_Rate_Limiter", true),
    number("API_Enable_Rate_Limiter_Limit_Calls_Default", 10),
    number("API_Enable_Rate_Limiter_Limit_Time_Default", 60_000),
    public(flag("API_Enable_CORS", false)),
    public(text("API_CORS_Origin", "*")),
    flag("Accounts_TwoFactorAuthentication_Enabled", false),
    flag(ALLOW_INVISIBLE, true),
    public(one_of(REGISTRATION_FORM, &[REGISTRATION_PUBLIC, REGISTRATION_DISABLED, REGISTRATION_BY_SECRET])),
    text(REGISTRATION_SECRET, ""),
    form(USERNAME_FORM, "[0-9a-zA-Z-_.]+", is_pattern),
    flag("Block_Multiple_Failed_Logins_Enabled", true),
    flag("Block_Multiple_Failed_Logins_By_User", true),
    number("Block_Multiple_Failed_Logins_Attempts_Until_Block_by_User", 10),
    number("Block_Multiple_Failed_Logins_Time_To_Unblock_By_User_In_Minutes", 5),
    flag("Block_Multiple_Failed_Logins_By_Ip", true),
    number("Block_Multiple_Failed_Logins_Attempts_Until_Block_By_Ip", 50),
    number("Block_Multiple_Failed_Logins_Time_To_Unblock_By_Ip_In_Minutes", 5),
    form(DEFAULT_REGION, "", is_region_or_empty),
    number(VISITOR_MESSAGES_PER_MINUTE, 60),
    flag(RECOGNISE_VISITORS, true),
    form(FROM_EMAIL, "", is_address_or_empty),
    public(flag("Livechat_enabled", true)),
    one_of("Livechat_Routing_Method", &["Auto_Selection", "Manual_Selection", "External"]),
    // Upstream's default is off; a desk that starts with no agent online would refuse everyone.
    flag("Livechat_accept_chats_with_no_agents", true),
    flag("Livechat_enabled_when_agent_idle", true),
    flag("Livechat_request_comment_when_closing_conversation", true),
    flag("Omnichannel_allow_visitors_to_close_conversation", true),
    flag("Omnichannel_allow_force_close_conversations", false),
    one_of("Livechat_Require_Contact_Verification", &["never", "once", "always"]),
    flag("Livechat_Block_Unknown_Contacts", false),
    flag("Livechat_Block_Unverified_Contacts", false),
    flag("Livechat_Allow_collect_and_store_HTTP_header_informations", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_takes_its_own_default() {
        for spec in all() {
            assert!(spec.takes(&spec.default_value()), "{}", spec.id);
        }
    }

    #[test]
    fn every_setting_is_there_once() {
        let mut ids: Vec<_> = all().map(|spec| spec.id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_setting_takes_nothing_it_could_not_live_with() {
        let takes = |id, value: Value| find(id).unwrap().takes(&value);
        assert!(!takes(USERNAME_FORM, json!("[")));
        assert!(!takes(DEFAULT_REGION, json!("Atlantis")));
        assert!(takes(DEFAULT_REGION, json!("DE")));
        assert!(!takes(FROM_EMAIL, json!("nobody")));
        assert!(takes(OFFLINE_EMAIL, json!("desk@example.org, night@example.org")));
        assert!(!takes(OFFLINE_EMAIL, json!("desk@example.org, ")));
        assert!(!takes("API_Default_Count", json!(-1)));
        assert!(!takes("API_Default_Count", json!("1")));
        assert!(!takes("Livechat_enabled", json!("true")));
        assert!(!takes("Livechat_Routing_Method", json!("By_Chance")));
        assert!(takes("Livechat_hide_system_messages", json!(["uj", "ul"])));
        for hidden in [json!(["uj", "uj"]), json!(["nonsense"]), json!([1]), json!("uj")] {
            assert!(!takes("Livechat_hide_system_messages", hidden));
        }
    }
}
