-- Which installations have signed: what a device only says of itself makes nobody's actor its own.
alter table installation add column signed {{int}} not null default 0;
update installation set signed = 1
    where actor in (select actor from change where provenance = 'device');
