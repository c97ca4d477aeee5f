-- How often a standing was written, so that how far those of a unit are is read from an index alone.
alter table standing add column written {{int}} not null default 1;
drop index standing_unit;
create index standing_mark on standing (campaign, unit, written);
