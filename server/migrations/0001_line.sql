-- The two append-only logs (change, decision), what they hang on, and the derived cache.
-- {{int}} {{blob}} {{strict}} are replaced for each database by store/backend.rs.
-- Times are UTC milliseconds since 1970-01-01. Every table of work carries its unit.

create table meta (
    name  text primary key,      -- 'epoch': 16 random bytes in hex, new with every restore;
    value text not null          -- 'unit_files': raised with every list of units loaded
){{strict}};

-- Lists of administrative units loaded beside the built-in one, as their files were.
create table unit_file (
    digest       {{blob}} primary key,   -- SHA-256 of the text
    text         text     not null,      -- CSV; a unit is its code and its period
    loaded_at_ms {{int}}  not null
){{strict}};

create table account (
    id             {{blob}} primary key, -- 16 random bytes
    name           text     not null unique,
    full_name      text     not null,
    password_hash  text     not null,    -- argon2id; '' for people who only use devices
    role           text     not null check (role in ('province', 'district', 'officer', 'enumerator')),
    unit           text     not null,
    unit_on        text     not null,    -- day on which the unit's code is read, YYYY-MM-DD
    created_at_ms  {{int}}  not null,
    disabled_at_ms {{int}}
){{strict}};

create table device (
    id             {{blob}} primary key, -- 16 random bytes
    account        {{blob}} not null references account (id),
    label          text     not null,
    public_key     {{blob}} not null,    -- Ed25519, 32 bytes
    enrolled_at_ms {{int}}  not null,
    last_sync_ms   {{int}},              -- last sync the server took
    revoked_at_ms  {{int}}
){{strict}};
create index device_account on device (account);

-- What a device took out of a campaign, and when it said that all of it is handed in.
create table device_work (
    device        {{blob}} not null references device (id),
    campaign      {{blob}} not null,
    work_out_ms   {{int}},               -- last time households newly in scope were sent to it
    checked_in_ms {{int}},               -- last time it said that all its work is in
    primary key (device, campaign)
){{strict}};

create table enrol_code (
    code_hash     {{blob}} primary key,  -- SHA-256 of the code
    account       {{blob}} not null references account (id),
    expires_at_ms {{int}}  not null,
    used_at_ms    {{int}}
){{strict}};

create table session (
    family       {{blob}} primary key,   -- 16 random bytes, one per sign-in or enrolment
    account      {{blob}} not null references account (id),
    device       {{blob}} references device (id),
    current      {{blob}} not null,      -- id of the refresh token in use
    successor    {{blob}},               -- the one issued last; becomes current at its first use
    expires_at_ms {{int}} not null,
    ended_at_ms  {{int}}
){{strict}};

create table campaign (
    id            {{blob}} primary key,
    name          text     not null,
    province      text     not null,     -- unit code
    standard      text     not null,
    score_table   text     not null,     -- JSON as loaded; '' where none
    opening_date  text     not null,
    review_date   text     not null,
    region        text     not null,     -- region of the score table for rural areas
    created_at_ms {{int}}  not null,
    closed_at_ms  {{int}}
){{strict}};

create table hamlet (
    campaign       {{blob}} not null references campaign (id),
    code           text     not null,
    unit           text     not null,
    type_word      text     not null,    -- thôn, bản, khối, khóm, khu phố, tổ dân phố
    name           text     not null,    -- without the type word
    area           text     not null check (area in ('urban', 'rural')),
    households     {{int}}  not null,
    persons        {{int}}  not null,
    dtts_households {{int}} not null,
    dtts_persons   {{int}}  not null,
    opening_households {{int}} not null,
    opening_persons {{int}} not null,
    opening_dtts_households {{int}} not null,
    opening_dtts_persons {{int}} not null,
    source         text     not null,
    primary key (campaign, code)
){{strict}};
create index hamlet_unit on hamlet (campaign, unit);

create table assignment (
    campaign {{blob}} not null references campaign (id),
    hamlet   text     not null,
    account  {{blob}} not null references account (id),
    from_ms  {{int}}  not null,
    until_ms {{int}},                    -- null while in force; a former one still admits work
    primary key (campaign, hamlet, account)
){{strict}};
create index assignment_account on assignment (account, campaign);

create table household (
    document       {{blob}} primary key, -- UUIDv5 of campaign and household
    campaign       {{blob}} not null references campaign (id),
    household      {{blob}} not null,
    unit           text     not null,
    hamlet         text     not null,
    code           text     not null,    -- code on the opening list; '' for one a phone registered
    opening_class  text     not null,    -- 'poor', 'near_poor' or '' for an applicant
    opening_dtts   {{int}}  not null check (opening_dtts in (0, 1)),
    opening_paper  text     not null,    -- decision the opening class rests on
    last_position  {{int}}  not null     -- newest accepted change; 0 before the first
){{strict}};
create index household_unit on household (campaign, unit, hamlet);
create unique index household_code on household (campaign, code) where code <> '';

create table unit_log (
    campaign      {{blob}} not null,
    unit          text     not null,
    last_position {{int}}  not null,     -- newest position given out; locked while appending
    primary key (campaign, unit)
){{strict}};

create table manifest (
    digest         {{blob}} primary key, -- SHA-256 of the bytes
    device         {{blob}} not null,
    bytes          {{blob}} not null,    -- as signed, verbatim
    signature      {{blob}} not null,
    received_at_ms {{int}}  not null
){{strict}};

-- Append-only log of what people answered. Documents are derived from it.
create table change (
    document       {{blob}} not null,    -- 16 bytes
    hash           {{blob}} not null,    -- change hash; of the bytes as sent where quarantined
    campaign       {{blob}} not null,
    unit           text     not null,    -- unit the household belonged to on arrival
    position       {{int}},              -- order of acceptance in the unit, from 1, no gaps; null until accepted
    fate           text     not null check (fate in ('accepted', 'waiting', 'held', 'quarantined')),
    reason         text     not null,    -- problem name where held or quarantined
    actor          {{blob}} not null,
    actor_seq      {{int}}  not null,    -- not unique with actor: equivocation is kept
    dependencies   {{blob}} not null,    -- 32 bytes each
    chunk          {{blob}} not null,    -- inflated type-1 chunk; as sent where quarantined
    provenance     text     not null check (provenance in ('device', 'session', 'desk')),
    device         {{blob}},             -- signing device
    account        {{blob}} not null,    -- who the work is counted to
    manifest       {{blob}},             -- digest of the signed manifest
    note           text     not null,    -- reason given at the desk
    received_at_ms {{int}}  not null,
    side           {{int}}  not null check (side in (0, 1)), -- side branch of a copied phone
    primary key (campaign, document, hash),
    check (fate <> 'accepted' or position is not null)
){{strict}};
create unique index change_position on change (campaign, unit, position);
create index change_aside on change (campaign, unit, fate) where fate <> 'accepted';
create index change_waiting_device on change (device) where fate = 'waiting';

-- Append-only log of what people decided about lists.
create table decision (
    campaign  {{blob}} not null,
    unit      text     not null,
    position  {{int}}  not null,         -- from 1, no gaps
    kind      text     not null,
    root      {{blob}} not null,
    account   {{blob}} not null,
    body      text     not null,         -- the act as JSON
    at_ms     {{int}}  not null,
    primary key (campaign, unit, position)
){{strict}};

-- Where each list stands: the fold of its decisions, locked while one is taken.
create table list (
    campaign      {{blob}} not null,
    unit          text     not null,
    step          text     not null,     -- JSON of the step
    step_name     text     not null,
    root          {{blob}},
    last_decision {{int}}  not null,
    primary key (campaign, unit)
){{strict}};

create table frozen_list (
    root         {{blob}} not null,      -- SHA-256 of the rows
    campaign     {{blob}} not null,
    unit         text     not null,
    rows         {{blob}} not null,      -- canonical bytes
    frozen_at_ms {{int}}  not null,
    primary key (campaign, unit, root)
){{strict}};

create table waiver (
    campaign {{blob}} not null,
    unit     text     not null,
    device   {{blob}} not null,
    account  {{blob}} not null,
    reason   text     not null,
    at_ms    {{int}}  not null,
    primary key (campaign, unit, device)
){{strict}};

-- Derived: what each household's log came to. May be emptied at any time.
create table standing (
    document {{blob}} primary key,
    campaign {{blob}} not null,
    unit     text     not null,
    position {{int}}  not null,          -- household.last_position it was computed at
    basis    text     not null,          -- what else it was computed from
    body     text     not null           -- JSON
){{strict}};
create index standing_unit on standing (campaign, unit);
