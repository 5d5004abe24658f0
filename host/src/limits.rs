//! Every bound of the host in one place, units last, each with the reason for its value.

/// A batch closes after this many cases, at the next identity whose digest ends in three zero bits: large enough that a
/// fresh instance costs nothing, small enough for a core's cache.
pub const BATCH_CLOSES_AFTER_CASES: u32 = 1_024;
/// A batch never exceeds this many cases, unless one identity alone does.
pub const BATCH_HOLDS_CASES: u32 = 4_096;
/// An identity with more cases is held instead of judged.
pub const IDENTITY_HOLDS_CASES: u32 = 65_536;
/// Changes per chunk of a plan: a chunk is what is hashed and read at once.
pub const PLAN_CHUNK_CHANGES: u32 = 4_096;
/// A chunk of a plan also closes at this size, so that reading one never needs much memory.
pub const PLAN_CHUNK_BYTES: usize = 8 << 20;
/// Longest header or trailer of a plan, in bytes: counts per reason code, and a digest per chunk.
pub const PLAN_EDGE_BYTES: usize = 16 << 20;
/// Facts per part of a plan, unless configured: parts are correlated, judged and decided one after another, and a part's facts
/// and cases are what planning holds in memory. Fewer cost more files, and a threadful of batches is enough to share.
pub const PART_FACTS: u64 = 262_144;
/// Parts of a plan, at most: each has an open file and a buffer while facts are dealt out.
pub const PLAN_PARTS: u64 = 512;
/// Facts of one part that are written at once: one dictionary for so many rows.
pub const SPILL_ROWS: usize = 1_024;
/// What is dealt out into piles waits in buffers of this size, in bytes, one for each pile, before it is written.
pub const PILE_BUFFER_BYTES: usize = 16 << 10;
/// Runs of a plan are written and read through buffers of this size, in bytes.
pub const RUN_BUFFER_BYTES: usize = 64 << 10;
/// Changes per slice unless configured: a flush per slice then costs little against the writes themselves.
pub const SLICE_CHANGES: u32 = 500;
/// Batches that wait for the ledger's writer before those who submit wait too.
pub const LEDGER_QUEUE_BATCHES: usize = 64;
/// Queued batches share one flush up to this many rows: a flush then costs little against them.
pub const LEDGER_GROUP_ROWS: usize = 4_096;
/// Rows after which the ledger's write-ahead log is moved into the database: about 16 MiB of it.
pub const LEDGER_CHECKPOINT_ROWS: usize = 20_000;
/// Longest leaf of the audit log, in bytes: what the tile format of transparency logs can hold.
pub const LEAF_BYTES: usize = 65_535;
/// Threads that verify a log: reading it and putting the leaves in order are one thread's work, and each has a page in memory.
pub const VERIFY_THREADS: usize = 8;
/// Longest signed note that is read, in bytes: sixteen signatures of the largest kind known fit.
pub const NOTE_BYTES: usize = 128 << 10;
/// Signatures of a note that are read: the format asks for sixteen; logs have several keys and many witnesses.
pub const NOTE_SIGNATURES: usize = 64;
/// Longest name of a key, in bytes: names are written in every signature.
pub const KEY_NAME_BYTES: usize = 255;
/// Hashes of a proof: no tree of 2^63 leaves needs more.
pub const PROOF_HASHES: usize = 63;
/// Largest extra data of a proof, in bytes: one leaf.
pub const PROOF_EXTRA_BYTES: usize = LEAF_BYTES;
/// Longest file of a proof that is read, in bytes: a note, all hashes, and a leaf in base 64.
pub const PROOF_FILE_BYTES: usize = NOTE_BYTES + 64 * PROOF_HASHES + 2 * PROOF_EXTRA_BYTES;
/// Keys that sign one log at once: two overlap in a rotation, and one more while somebody forgot to end it.
pub const SIGNING_KEYS: usize = 4;
/// Keys that signed a log once and are still known, so that its older checkpoints verify: decades of rotations.
pub const RETIRED_KEYS: usize = 16;
/// Longest file of keys that is read, in bytes.
pub const KEY_FILE_BYTES: usize = 16 << 10;
/// How long a witness or sink that failed is left alone at first; twice as long each time after, in seconds.
pub const WITNESS_PAUSE_SECONDS: u64 = 1;
/// Longest such pause, and how often it is looked for checkpoints that another process signed, in seconds.
pub const WITNESS_PAUSE_MOST_SECONDS: u64 = 300;
/// How long a command waits for witnesses at its end, in seconds: what they have not got then, the next command gives them.
pub const WITNESS_SETTLE_SECONDS: u64 = 2;
/// How often it is looked for leaves to export while nobody says that there are any, in seconds: a run that takes hours is seen
/// while it goes on.
pub const EXPORT_LOOK_SECONDS: u64 = 5;
/// How long a command waits for sinks at its end, in seconds: what they have not got then, the next command gives them.
pub const EXPORT_SETTLE_SECONDS: u64 = 2;
/// Leaves that are exported at once: a cursor is flushed for each such page, which is in memory.
pub const EXPORT_PAGE_LEAVES: u32 = 512;
/// Leaves before a cursor that are read for what later ones only name by the id of a change: more than are in flight at once.
pub const EXPORT_LOOK_BACK_LEAVES: u64 = 16_384;
/// Changes whose cases are remembered until their outcome is exported: more than a commit holds in its hand.
pub const EXPORT_REMEMBERED_CHANGES: usize = 32_768;
/// Texts of these cases, in bytes together: long names push others out sooner.
pub const EXPORT_REMEMBERED_BYTES: usize = 16 << 20;
/// A sink's file is put aside at this size and a new one begun, in bytes: what collectors of logs read at a time.
pub const EXPORT_FILE_BYTES: u64 = 64 << 20;
/// Longest event, in bytes: a leaf, the states beside it, and its envelope. A longer line is nothing that trueup wrote.
pub const EVENT_BYTES: usize = 1 << 20;
/// Series of one metric: names of targets, sinks and reasons are few; beyond it, they share a series called `other`.
pub const METRIC_SERIES: usize = 1_000;
/// Longest file of metrics that is gone on from, in bytes: each series at its longest is a few hundred.
pub const METRICS_FILE_BYTES: usize = 8 << 20;
/// Most events that are put into one request, in bytes: what collectors take at once by default is about a megabyte. A single event may
/// be as long.
pub const EXPORT_POST_BYTES: usize = 1 << 20;
/// How long a sink behind HTTP may take over one request, in seconds: collectors make many events durable before they answer.
pub const EXPORT_PATIENCE_SECONDS: u64 = 30;
/// What is read of a server's answer at most until its first line ends, in bytes: a status is told within twenty.
pub const HTTP_ANSWER_BYTES: usize = 1 << 10;
/// How long a witness may take over one checkpoint, a server of HTTP or the system's log, in seconds.
pub const WITNESS_PATIENCE_SECONDS: u64 = 10;
/// Leaves whose states are removed in one batch: some MiB of the ledger.
pub const REDACTED_AT_ONCE: usize = 1_000;
/// Leaves that are emptied in one batch: some MiB of the ledger, and what a crash may leave to be done anew.
pub const PRUNED_AT_ONCE: u64 = 4_096;
/// Rows per page of a scan: the unit that a crash may lose.
pub const PAGE_ROWS: u32 = 16_384;
/// Rows of pages that are being read or stored at once: they and their texts are in memory, however many targets there are.
/// Small pages of distant systems are not kept waiting by it.
pub const ROWS_AT_ONCE: usize = 8 * PAGE_ROWS as usize;
/// Longest text of one field, in bytes: longer ones are a malformed row.
pub const FIELD_BYTES: usize = 4_096;
/// Longest line of a source file, in bytes.
pub const LINE_BYTES: usize = 1 << 20;
/// A scan that lost more than this share of its last complete one is not believed, in percent.
pub const SHRINK_PERCENT: u64 = 20;
/// A scan that lost no more than this many rows is believed whatever the share.
pub const SHRINK_ROWS: u64 = 20;
/// Threads that store the keys of complete scans: they mostly wait for flushes, which the disk does together.
pub const KEY_WRITERS: usize = 8;
/// Access of one target that ends by its own expiry in one plan waits for a person above this share of what the target
/// holds, in percent: a clock that jumped would end all of it at once.
pub const EXPIRY_PERCENT: u64 = 5;
/// So many ends of one target in one plan never wait, whatever the share.
pub const EXPIRY_ROWS: u64 = 20;
/// How often one change is tried in one run: enough to ride out a short fault, few enough that a slice goes on.
pub const CHANGE_ATTEMPTS: u32 = 5;
/// Changes that a commit holds in memory at once: what waits to be read back does not keep others from being sent.
pub const HAND_CHANGES: usize = 8_192;
/// How often an identity is looked at again in one run when its cases keep moving: enough for somebody who is at work there
/// to come to an end, few enough that two writers do not chase each other.
pub const AMENDMENTS: usize = 3;
/// Slices of intents that are durable ahead of being sent: after a crash each must be looked at.
pub const SLICES_AHEAD: usize = 2;
/// Changes that are sent side by side unless configured, over all targets.
pub const FLIGHT_CHANGES: u32 = 64;
/// Longest wait that a target may ask for before its changes are left to the next run, in seconds.
pub const THROTTLE_SECONDS: u32 = 60;
/// Recent attempts by which a target is judged.
pub const BREAKER_WINDOW: usize = 20;
/// A target is quarantined only after this many attempts; fewer are no pattern.
pub const BREAKER_LEAST: usize = 5;
/// A target is quarantined when this share of its recent attempts failed, in percent.
pub const BREAKER_PERCENT: usize = 50;
/// How long a target is quarantined at first; twice as long each time after, in seconds.
pub const QUARANTINE_SECONDS: i64 = 30;
/// Longest quarantine, in seconds.
pub const QUARANTINE_MOST_SECONDS: i64 = 600;
/// How long a run waits for accepted work before it leaves it to the next run, in seconds.
pub const ACCEPTED_WAIT_SECONDS: i64 = 120;
/// Longest pause between two questions for accepted work, in seconds.
pub const POLL_PAUSE_SECONDS: i64 = 30;
/// How often reading a change back may fail in a row until it is left to the next run.
pub const VERIFY_READS: u32 = 10;
/// Measured lags of one target and direction that are kept: the longest of them stands for its 99.8th percentile.
pub const LAG_SAMPLES: usize = 512;
/// Lags that must be measured before they count for more than what the profile says.
pub const LAG_SAMPLES_LEAST: usize = 20;
/// What is added to the longest lag seen, in percent.
pub const LAG_MARGIN_PERCENT: u32 = 25;
/// One change in so many is read early and often, to measure the lag; the others are read when it should be over.
pub const LAG_PROBE_CHANGES: i64 = 8;
/// The clock may run ahead of a steady one by this much, in seconds: more is no drift, and holds all commits.
pub const CLOCK_JUMP_SECONDS: i64 = 300;
/// Least grade of evidence that confirms a change, per tier.
pub const EVIDENCE_BY_TIER: [crate::target::Grade; 4] =
    [crate::target::Grade::E0, crate::target::Grade::E1, crate::target::Grade::E3, crate::target::Grade::E3];
/// Reads in a row that must agree where a target's reads lag behind its writes.
pub const LAGGING_READS_AGREE: u32 = 3;
/// A clock may step back this far without stopping a run: time daemons do that.
pub const CLOCK_BACK_SECONDS: i64 = 2;
/// How often a commit that waits looks for emergency calls of other processes, in milliseconds.
pub const EMERGENCY_LOOK_MILLISECONDS: u64 = 50;
/// A run that begins so long after the one before waits for a person: a tenant that runs once a month is never asked, and a
/// clock that jumped is. In seconds: 40 days.
pub const CLOCK_AHEAD_SECONDS: i64 = 40 * 86_400;
/// Longest message of a target that is kept, in bytes.
pub const MESSAGE_BYTES: usize = 256;
/// Changes that a summary lists one by one; the rest are counted.
pub const LISTED_CHANGES: usize = 10_000;
/// Cases that a run's report lists of each kind of debt: enough to begin with; the counts tell of all.
pub const DEBT_LISTED: usize = 20;
/// The highest share of grants that a generated estate changes on a day, in percent: of what is there at first, more than a third
/// is still there after a month.
pub const GENERATED_CHURN_PERCENT: u32 = 5;
/// One batch of so many that could get a former answer is judged again: a rule that lies about how long its answers hold is
/// found out within days, at a hundredth of the cost of judging.
pub const SAMPLED_BATCHES: usize = 100;
/// Runs whose answers are kept: a month of daily runs. A list takes 88 bytes per batch.
pub const ANSWER_LISTS: usize = 31;
/// Processor time that compiling a module may take, in seconds: one of 16 MiB takes about ten.
pub const COMPILE_SECONDS: u64 = 60;
/// Address space that compiling a module may take, in bytes: the compiler itself reserves some hundred MiB.
pub const COMPILE_MEMORY_BYTES: u64 = 2 << 30;
/// Machine code that a compiler may give back, in bytes: some times the largest component.
pub const COMPILED_BYTES: u64 = 256 << 20;
/// Cases that a comparison of two rules lists; the rest are counted by what becomes of them.
pub const COMPARED_CASES: usize = 1_000;
/// What compiled code may take of a store, in bytes: some dozens of modules.
pub const CODE_CACHE_BYTES: u64 = 256 << 20;
/// Modules whose components a tenant's store keeps: those that decide, judge beside, decided before, and the newest others.
pub const MODULES_KEPT: usize = 50;
/// How long a rule rests after it failed on a plan, in seconds; doubled by each failure that follows on it. Shorter than runs
/// are usually apart, so that a single failure costs one plan.
pub const RULE_REST_SECONDS: i64 = 60;
/// How long it rests at most, in seconds: a rule that works again is not left out for long.
pub const RULE_REST_LONGEST_SECONDS: i64 = 3_600;
/// How many groups of differences a comparison tells apart; a module may have more reasons than anybody reads.
pub const COMPARED_GROUPS: usize = 1_000;
/// How many failures of the other module a comparison tells in words.
pub const COMPARED_FAULTS: usize = 20;
/// Names that are told when one is not on record: more than anybody reads.
pub const NEAR_NAMES: usize = 3;
/// Letters of a name by which it is found to be like another: comparing costs their square.
pub const NEAR_NAME_BYTES: usize = 128;
/// Moments that a time line keeps at once: the newest, when there are more.
pub const HISTORY_MOMENTS: usize = 100_000;
/// Largest file that may be attached as evidence, in bytes: a mail with its attachments, a long screenshot, a ticket export.
pub const ATTACHMENT_BYTES: u64 = 25 << 20;
/// Longest name of a media type, in bytes: both of its halves are at most 64 wherever they are registered.
pub const MEDIA_BYTES: usize = 127;
/// How long a removal that a plan decided may take until it counts as late, per tier 0 to 3, in seconds: a week for what does
/// little harm, so that weekly work on tickets is in time; three days over a week-end; a day; and four hours, within a shift,
/// for what gives power over others. Configurable: an auditor holds a tenant to the tenant's own policy.
pub const REMOVAL_WINDOW_SECONDS: [i64; 4] = [7 * 86_400, 3 * 86_400, 86_400, 4 * 3_600];
/// The same from an emergency call, in seconds: whoever calls waits for it at the telephone.
pub const EMERGENCY_WINDOW_SECONDS: i64 = 15 * 60;
/// Runs that can be replayed: a year of daily runs, which is what audits look at, and a month in which they ask.
pub const RECORDINGS_KEPT: u32 = 400;
/// An object of a recording ends after a row whose mixed bytes have these bits clear: one row in 128. Larger ones would be written
/// anew more often, because more of what is in them changes from day to day; smaller ones compress worse, and are more names.
pub const OBJECT_CUT: u64 = 127;
/// Rows after which an object ends whatever they say: eight times as many as usual.
pub const OBJECT_ROWS: usize = 1_024;
/// Objects of a recording that are made before the first of them is written, so that threads share the work: some three megabytes.
pub const OBJECTS_AHEAD: usize = 256;
/// An object or a recording, in bytes: a recording names each of its objects in about 90 bytes, ten million grants have some 200,000.
pub const OBJECT_BYTES: usize = 1 << 30;
/// After so many runs an object is written again, so that the file that it was in can go. A month: then one thirtieth of all is
/// written in vain each day.
pub const PACK_RUNS: u64 = 31;
/// Differences that a replay tells one by one; the rest are counted.
pub const DIVERGENCES: usize = 100;
/// Characters of what is told of each side of a difference.
pub const DIVERGENCE_BYTES: usize = 300;
/// How far the fuel of a case may move from what was recorded, in percent: what a compiler of the same version leaves to chance is
/// less, and a loop over all cases that slipped in is more.
pub const FUEL_MOVES_PERCENT: u32 = 2;
/// Places at which a profile stops a rule, over all of its cases: shares within a hundredth or so, in seconds.
pub const PROFILE_SAMPLES: u64 = 2_000;
/// And in each case file at least: enough to tell what most of its fuel goes to.
pub const PROFILE_SAMPLES_OF_A_FILE: u64 = 50;
