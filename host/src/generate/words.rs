//! Lists of words that names are made of. Invented: no list holds a real person or customer.

pub(super) const FIRST: [&str; 64] = [
    "ada", "anselm", "beatrix", "bodil", "caspar", "celia", "cyra", "dario", "delia", "edda", "egon", "elio", "esme", "fabia",
    "farid", "fenna", "gideon", "greta", "hana", "hector", "ida", "ilse", "imre", "ines", "isko", "jana", "joris", "juno",
    "kaito", "kira", "lazlo", "leda", "linus", "lotte", "lucan", "mabel", "magnus", "marit", "milo", "nadia", "nils", "noor",
    "odile", "omar", "orla", "otto", "petra", "pia", "quentin", "rafa", "remy", "rosa", "runa", "samir", "signe", "soren",
    "tarek", "thea", "tilda", "ugo", "vera", "wanda", "yara", "zeno",
];

/// A surname is one of these and one of [`SURNAME_TAIL`].
pub(super) const SURNAME_HEAD: [&str; 32] = [
    "ash", "bram", "cor", "dun", "elm", "fen", "gar", "hol", "ives", "jar", "kest", "lark", "mar", "nor", "oak", "pell", "quill",
    "rook", "sorr", "tarn", "ul", "vane", "wex", "yar", "zell", "brook", "crag", "dell", "frost", "glen", "heath", "loch",
];

pub(super) const SURNAME_TAIL: [&str; 24] = [
    "mere", "wick", "ford", "by", "holt", "worth", "den", "ley", "combe", "shaw", "stead", "thorpe", "well", "field", "gate",
    "row", "ridge", "moor", "bourne", "hurst", "croft", "marsh", "low", "vale",
];

/// A team is one of these and one of [`TEAM_TAIL`].
pub(super) const TEAM_HEAD: [&str; 48] = [
    "ledger", "freight", "atlas", "beacon", "cargo", "delta", "ember", "falcon", "garnet", "helio", "indigo", "jasper", "kelvin",
    "lumen", "meridian", "nimbus", "orchid", "pylon", "quartz", "raven", "saffron", "tundra", "umbra", "vector", "willow",
    "xenon", "yonder", "zephyr", "anchor", "basalt", "cobalt", "dynamo", "echo", "fjord", "glacier", "harvest", "iris",
    "juniper", "krill", "lantern", "mosaic", "nectar", "opal", "prism", "quiver", "ripple", "summit", "timber",
];

pub(super) const TEAM_TAIL: [&str; 20] = [
    "core", "edge", "ops", "data", "web", "mobile", "billing", "search", "trust", "tools", "growth", "support", "research",
    "design", "quality", "release", "partners", "risk", "planning", "field",
];

pub(super) const UNITS: [&str; 12] = [
    "engineering",
    "finance",
    "sales",
    "operations",
    "marketing",
    "people",
    "legal",
    "support",
    "security",
    "logistics",
    "research",
    "procurement",
];

pub(super) const MACHINE: [&str; 6] = ["svc", "ci", "bot", "etl", "sync", "agent"];

/// What a repository, a package or a sub-team is about.
pub(super) const THING: [&str; 24] = [
    "api", "web", "worker", "docs", "infra", "client", "schema", "jobs", "gateway", "config", "tests", "mobile", "sdk",
    "reports", "importer", "exporter", "cache", "proxy", "events", "console", "charts", "agent", "plugins", "sandbox",
];

/// Areas of a business application.
pub(super) const AREA: [&str; 24] = [
    "north",
    "south",
    "east",
    "west",
    "retail",
    "wholesale",
    "export",
    "domestic",
    "accounts",
    "contracts",
    "invoices",
    "claims",
    "rates",
    "orders",
    "returns",
    "leads",
    "quotes",
    "renewals",
    "travel",
    "assets",
    "stock",
    "fleet",
    "events",
    "grants",
];

/// What one may do in an area. The two that exclude each other are `preparer` and `approver`.
pub(super) const FUNCTION: [&str; 6] = ["viewer", "editor", "preparer", "approver", "auditor", "admin"];

pub(super) const CLOUD_ROLE: [&str; 9] = [
    "dev-read",
    "dev-deploy",
    "staging-read",
    "prod-read",
    "staging-deploy",
    "prod-deploy",
    "dev-admin",
    "staging-admin",
    "prod-admin",
];

pub(super) const DATA_ROLE: [&str; 3] = ["reader", "writer", "owner"];
pub(super) const VAULT_ROLE: [&str; 3] = ["reader", "rotator", "owner"];
pub(super) const WIKI_ROLE: [&str; 3] = ["reader", "editor", "admin"];

pub(super) const PURPOSE: [&str; 8] = [
    "project work",
    "on call",
    "support rota",
    "audit sample",
    "migration",
    "incident review",
    "quarter close",
    "customer escalation",
];

/// The word at `index`, counted round and round.
pub(super) fn word(list: &[&'static str], index: u64) -> &'static str {
    let index = index.checked_rem(list.len() as u64).unwrap_or(0) as usize;
    list.get(index).copied().unwrap_or("")
}
