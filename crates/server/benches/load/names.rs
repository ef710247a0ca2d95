//! What made-up people are called: some names are everywhere, most are nearly unique, as in any
//! real list of customers. Each is given as it is shown and as it is spelt in an e-mail address.

use super::people::Chance;

pub(crate) const FIRST_NAMES: &[(&str, &str)] = &[
    ("Anna", "anna"),
    ("Björn", "bjoern"),
    ("Chiara", "chiara"),
    ("Dmitri", "dmitri"),
    ("Élodie", "elodie"),
    ("Farid", "farid"),
    ("Greta", "greta"),
    ("Hiroshi", "hiroshi"),
    ("Inés", "ines"),
    ("Jürgen", "juergen"),
    ("Kofi", "kofi"),
    ("Lena", "lena"),
    ("Mateo", "mateo"),
    ("Nadia", "nadia"),
    ("Olu", "olu"),
    ("Priya", "priya"),
    ("Quentin", "quentin"),
    ("Roswitha", "roswitha"),
    ("Sławomir", "slawomir"),
    ("Tuğba", "tugba"),
    ("Ursula", "ursula"),
    ("Vasilisa", "vasilisa"),
    ("Wolfgang", "wolfgang"),
    ("Xóchitl", "xochitl"),
    ("Yusuf", "yusuf"),
    ("Zoë", "zoe"),
    ("Marie-Luise", "marie-luise"),
    ("Jean-Baptiste", "jean-baptiste"),
    ("Θεοδώρα", "theodora"),
    ("Наталья", "natalya"),
];

pub(crate) const LAST_NAMES: &[(&str, &str)] = &[
    ("Müller", "mueller"),
    ("Schmidt", "schmidt"),
    ("Schneider", "schneider"),
    ("Fischer", "fischer"),
    ("Weiß", "weiss"),
    ("García", "garcia"),
    ("Rodríguez", "rodriguez"),
    ("Dubois", "dubois"),
    ("Lefèvre", "lefevre"),
    ("Rossi", "rossi"),
    ("Kowalski", "kowalski"),
    ("Wójcik", "wojcik"),
    ("Nakamura", "nakamura"),
    ("Okafor", "okafor"),
    ("Petrov", "petrov"),
    ("Yılmaz", "yilmaz"),
    ("Nguyễn", "nguyen"),
    ("van den Berg", "vandenberg"),
    ("O'Connor", "oconnor"),
    ("Lindqvist", "lindqvist"),
    ("Smith", "smith"),
    ("Patel", "patel"),
    ("Haddad", "haddad"),
    ("Παπαδόπουλος", "papadopoulos"),
];

/// Family name and given name are written as one.
pub(crate) const UNSPACED_NAMES: &[(&str, &str)] = &[
    ("王小明", "wang.xiaoming"),
    ("李娜", "li.na"),
    ("張偉", "zhang.wei"),
    ("佐藤健一", "sato.kenichi"),
    ("鈴木さくら", "suzuki.sakura"),
    ("김민준", "kim.minjun"),
];

const BEGINNINGS: &[&str] = &[
    "Ade", "Bor", "Cas", "Del", "Eber", "Fal", "Gren", "Hof", "Ist", "Jar", "Kal", "Lau", "Mar", "Nord", "Oster",
    "Pell", "Quin", "Ros", "Stein", "Tor", "Ull", "Vas", "Wald", "Zim",
];
const MIDDLES: &[&str] = &[
    "a", "an", "ber", "bin", "da", "den", "e", "el", "er", "fa", "gen", "i", "ing", "ka", "len", "li", "mer", "na",
    "o", "ran", "ri", "sen", "ta", "u",
];
const ENDS: &[&str] = &[
    "bach", "berg", "born", "der", "feld", "haus", "hoff", "ic", "inen", "ini", "ka", "kov", "land", "ling", "mann",
    "mark", "nagel", "ova", "sen", "ski", "son", "stad", "tzki", "wicz",
];

/// One of several hundred thousand family names; as shown, and in lower case.
pub(crate) fn rare_family_name(chance: &mut Chance) -> (String, String) {
    let [beginning, first, second, end] = [BEGINNINGS, MIDDLES, MIDDLES, ENDS].map(|parts| *chance.pick(parts));
    let name = format!("{beginning}{first}{second}{end}");
    let address = name.to_lowercase();
    (name, address)
}
