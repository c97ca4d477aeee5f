-- People on devices, installations, open codes, single households, and what sync health is read from.

-- A code is shown again to whoever made it: it is derived from its id by the server's key, and
-- only its hash is kept.
alter table enrol_code add column id {{blob}};              -- 16 random bytes
alter table enrol_code add column made_by {{blob}};         -- account that made it
alter table enrol_code add column made_at_ms {{int}};
alter table enrol_code add column unit text not null default '';  -- unit it was made for
alter table enrol_code add column withdrawn_at_ms {{int}};
create unique index enrol_code_id on enrol_code (id);
create index enrol_code_open on enrol_code (expires_at_ms);

-- Everybody who types on a device. Who was bound once stays the author of what was typed then.
create table device_person (
    device        {{blob}} not null references device (id),
    account       {{blob}} not null references account (id),
    bound_at_ms   {{int}}  not null,
    unbound_at_ms {{int}},               -- null while in force
    primary key (device, account)
){{strict}};
create index device_person_account on device_person (account);
insert into device_person (device, account, bound_at_ms)
    select id, account, enrolled_at_ms from device;

-- What a device says about itself; shown, and nothing is decided by it.
alter table device add column clock_ahead_ms {{int}};       -- its clock less ours
alter table device add column app text not null default '';

-- The writers of a device: one actor for each installation, restore and re-fork.
create table installation (
    device        {{blob}} not null references device (id),
    actor         {{blob}} not null,
    first_seen_ms {{int}}  not null,
    last_seen_ms  {{int}}  not null,
    app           text     not null,     -- version of the app as it last said
    schema        {{int}}  not null,     -- layout version it last wrote or named
    forked_at_ms  {{int}},               -- when two changes came under one of its numbers
    primary key (device, actor)
){{strict}};
create index installation_forked on installation (device) where forked_at_ms is not null;
insert into installation (device, actor, first_seen_ms, last_seen_ms, app, schema, forked_at_ms)
    select device, actor, min(received_at_ms), max(received_at_ms), '', 0,
        min(case when side = 1 then received_at_ms end)
    from change where provenance = 'device' and fate <> 'quarantined' group by device, actor;

alter table change add column typed_by {{blob}};  -- account the signed manifest names, if bound

-- Single households given to somebody who does not have their hamlet.
create table household_assignment (
    campaign {{blob}} not null references campaign (id),
    document {{blob}} not null references household (document),
    account  {{blob}} not null references account (id),
    place    text     not null,          -- '#' and the document's hex digits, as cursors name it
    from_ms  {{int}}  not null,
    until_ms {{int}},                    -- null while in force; a former one still admits work
    primary key (campaign, document, account)
){{strict}};
create index household_assignment_account on household_assignment (account, campaign);

-- How much the log holds, counted as it grows: summing the log itself would read all of it.
create table hamlet_log (
    campaign {{blob}} not null,
    unit     text     not null,
    hamlet   text     not null,          -- '' for what belongs to no household known
    changes  {{int}}  not null,
    bytes    {{int}}  not null,
    last_ms  {{int}}  not null,          -- when the newest of them came
    primary key (campaign, unit, hamlet)
){{strict}};
insert into hamlet_log (campaign, unit, hamlet, changes, bytes, last_ms)
    select change.campaign, change.unit, coalesce(household.hamlet, ''), count(*),
        cast(sum(length(chunk)) as bigint), max(received_at_ms)
    from change left join household on household.document = change.document
    group by change.campaign, change.unit, coalesce(household.hamlet, '');

create table device_log (
    device   {{blob}} not null references device (id),
    campaign {{blob}} not null,
    changes  {{int}}  not null,
    bytes    {{int}}  not null,
    primary key (device, campaign)
){{strict}};
insert into device_log (device, campaign, changes, bytes)
    select device, campaign, count(*), cast(sum(length(chunk)) as bigint)
    from change where device is not null group by device, campaign;

create index change_aside_device on change (device, fate) where fate <> 'accepted';
