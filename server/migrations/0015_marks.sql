-- How far the standings of a unit are, read from the index alone.
drop index standing_unit;
create index standing_mark on standing (campaign, unit, position);
