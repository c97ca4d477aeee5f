-- Changes of a household that were set aside when as many were as are kept within reach. No sync
-- reads them; held ones move into the log as people decide about those before them.
create table change_beyond (
    document       {{blob}} not null,
    hash           {{blob}} not null,
    campaign       {{blob}} not null,
    unit           text     not null,    -- unit the household belonged to on arrival
    position       {{int}},
    fate           text     not null check (fate in ('held', 'quarantined')),
    reason         text     not null,
    actor          {{blob}} not null,
    actor_seq      {{int}}  not null,
    dependencies   {{blob}} not null,
    chunk          {{blob}} not null,
    provenance     text     not null check (provenance in ('device', 'session', 'desk')),
    device         {{blob}},
    account        {{blob}} not null,
    manifest       {{blob}},
    note           text     not null,
    received_at_ms {{int}}  not null,
    side           {{int}}  not null check (side in (0, 1)),
    typed_by       {{blob}},
    primary key (campaign, document, hash)
){{strict}};
create index change_beyond_held on change_beyond (campaign, document, received_at_ms, hash)
    where fate = 'held';
