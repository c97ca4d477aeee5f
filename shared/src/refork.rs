//! What a copied or restored phone does with its branch: writes it again under a new actor.
//!
//! Each change is written again at the very place it had. So it stays concurrent to whatever was
//! written on the other branch: equal values agree by themselves, others become a dispute, and
//! nothing is overwritten by somebody who had not seen it.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::CommitOptions;
use automerge::{Automerge, AutomergeError, ROOT, ReadDoc};
use mobile_schema::household::{Answers, Household};

use crate::guard::{Guarded, guard};
use crate::id::{Actor, CampaignId, ChangeHash, HouseholdId};
use crate::merge::{actor_id, merge_at};
use crate::page::{Page, Written, closing_message, save};
use crate::resolve::resolve;

/// Writes the changes of a branch again under an actor that never wrote before.
///
/// `chunks` is everything the phone has of the household, the branch among it. Each new change names
/// the one it stands for, so that nobody has to look at that one. A change whose ancestors are not
/// there, or that cannot be read, is left to a person.
pub fn refork<C: AsRef<[u8]>>(
    chunks: &[C],
    branch: &BTreeSet<ChangeHash>,
    actor: Actor,
) -> Result<Vec<Written>, AutomergeError> {
    let (mut main, mut open): (Vec<&[u8]>, BTreeMap<ChangeHash, Guarded>) = Default::default();
    for chunk in chunks {
        match guard(chunk.as_ref()) {
            Ok(change) if branch.contains(&change.hash()) => {
                open.insert(change.hash(), change);
            }
            Ok(_) | Err(_) => main.push(chunk.as_ref()),
        }
    }
    let all: Vec<&[u8]> = chunks.iter().map(AsRef::as_ref).collect();
    let mut again: BTreeMap<ChangeHash, ChangeHash> = BTreeMap::new();
    let mut written: Vec<Written> = Vec::new();
    while let Some(next) = ready(&open) {
        let change = open.remove(&next).expect("it was found among the open ones");
        let deps = change.dependencies();
        let (Some(before), Some(after)) = (merge_at(&all, deps), merge_at(&all, &[next])) else {
            continue;
        };
        let mut place: Vec<ChangeHash> =
            deps.iter().map(|dep| again.get(dep).copied().unwrap_or(*dep)).collect();
        // One writer, one line: its changes follow each other.
        place.extend(written.last().map(|last| last.hash));
        let pool: Vec<&[u8]> =
            main.iter().copied().chain(written.iter().map(|w| w.chunk.as_slice())).collect();
        let Some(mut doc) = merge_at(&pool, &place) else { continue };
        doc.set_actor(actor_id(actor));
        let time_s = after
            .get_change_by_hash(&automerge::ChangeHash(next.0))
            .map_or(0, |change| change.timestamp());
        let options =
            || CommitOptions::default().with_time(time_s).with_message(closing_message(&[next]));
        let page = Page { opening: opening(&before, &after), ..difference(&before, &after) };
        let made = save(&mut doc, &page, options)?;
        again.insert(next, made.hash);
        written.push(made);
    }
    Ok(written)
}

/// Finds a change of the branch none of whose ancestors is still to be written.
fn ready(open: &BTreeMap<ChangeHash, Guarded>) -> Option<ChangeHash> {
    let free = |change: &Guarded| !change.dependencies().iter().any(|dep| open.contains_key(dep));
    open.iter().find(|(_, change)| free(change)).map(|(hash, _)| *hash)
}

/// Lists what a document says that an earlier version of it did not.
fn difference(before: &Automerge, after: &Automerge) -> Page {
    let (before, after): (Household, Household) =
        (resolve(before).household, resolve(after).household);
    let mut page = Page { answers: fresh(&before.answers, &after.answers), ..Page::default() };
    page.b1_items = fresh(&before.b1_items, &after.b1_items);
    let nobody = Answers::new();
    for (id, answers) in &after.members {
        let known = before.members.get(id);
        let fresh = fresh(known.unwrap_or(&nobody), answers);
        if known.is_none() || !fresh.is_empty() {
            page.members.insert(id.clone(), fresh);
        }
    }
    page.asked = fresh(&before.asked, &after.asked);
    page
}

fn fresh<V: Clone + PartialEq>(
    before: &BTreeMap<String, V>,
    after: &BTreeMap<String, V>,
) -> BTreeMap<String, V> {
    let fresh = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    fresh.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Reads which household this is, where the change was the one that said so.
fn opening(before: &Automerge, after: &Automerge) -> Option<(CampaignId, HouseholdId)> {
    let text = |doc: &Automerge, key: &str| {
        let (value, _) = doc.get(ROOT, key).ok()??;
        Some(value.as_str()?.to_owned())
    };
    if text(before, "household").is_some() {
        return None;
    }
    let campaign = text(after, "campaign")?.parse().ok()?;
    Some((campaign, text(after, "household")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::merge::{genesis, merge};
    use crate::page::write;
    use crate::resolve::Resolved;

    const COPIED: Actor = Actor([1; 16]);

    fn page(key: &str, value: &str) -> Page {
        Page { answers: [(key.to_owned(), value.into())].into(), ..Page::default() }
    }

    /// Writes pages one after the other on top of what is there.
    fn written(on: &[Vec<u8>], actor: Actor, pages: &[Page]) -> Vec<Written> {
        let mut doc = if on.is_empty() { genesis() } else { merge(on).doc };
        doc.set_actor(actor_id(actor));
        pages.iter().map(|page| write(&mut doc, page, 7).unwrap().unwrap()).collect()
    }

    fn chunks(written: &[Written]) -> Vec<Vec<u8>> {
        written.iter().map(|written| written.chunk.clone()).collect()
    }

    /// What the office reads once the phone has written its branch again.
    fn read(common: &[Vec<u8>], main: &[Page], branch: &[Page]) -> Resolved {
        let main = chunks(&written(common, COPIED, main));
        let branch = written(common, COPIED, branch);
        let hashes = branch.iter().map(|written| written.hash).collect();
        let on_phone = [common, &chunks(&branch)].concat();
        let again = refork(&on_phone, &hashes, Actor([2; 16])).unwrap();
        assert_eq!(again.len(), branch.len());
        let merged = merge(&[common, &main, &chunks(&again)].concat());
        assert!(merged.forked.is_empty() && merged.broken.is_empty() && merged.waiting.is_empty());
        resolve(&merged.doc)
    }

    #[test]
    fn a_branch_written_again_agrees_where_it_says_the_same() {
        let common = chunks(&written(&[], COPIED, &[page("wall", "wood")]));
        let read = read(&common, &[page("roof", "leaf")], &[page("roof", "leaf")]);
        assert_eq!(read.disputes, []);
        assert_eq!(read.household.answers["roof"], "leaf".into());
    }

    #[test]
    fn a_branch_written_again_hides_nothing_and_overwrites_nothing() {
        let common = chunks(&written(&[], COPIED, &[page("wall", "wood")]));
        let branch = [page("roof", "canvas"), page("wall", "brick"), page("roof", "tile")];
        let read = read(&common, &[page("roof", "leaf")], &branch);
        let paths: Vec<String> = read.disputes.iter().map(|d| d.path.to_string()).collect();
        assert_eq!(paths, ["answers/roof"], "leaf and tile are both somebody's last word");
        assert_eq!(read.disputes[0].values.len(), 2);
        assert_eq!(read.household.answers["wall"], "brick".into());
    }

    #[test]
    fn a_branch_on_what_others_wrote_keeps_its_place() {
        let common = chunks(&written(&[], COPIED, &[page("wall", "wood")]));
        let minh = chunks(&written(&common, Actor([3; 16]), &[page("water", "rain")]));
        let first = written(&common, COPIED, &[page("roof", "tile")]);
        let on = [&common[..], &chunks(&first), &minh].concat();
        let second = written(&on, COPIED, &[page("water", "piped")]);
        let hashes = first.iter().chain(&second).map(|written| written.hash).collect();
        let on_phone = [&on[..], &chunks(&second)].concat();
        let again = chunks(&refork(&on_phone, &hashes, Actor([2; 16])).unwrap());
        let read = resolve(&merge(&[common, minh, again].concat()).doc);
        assert_eq!(read.disputes, [], "rain was seen and corrected");
        assert_eq!(read.household.answers["water"], "piped".into());
        assert_eq!(read.household.answers["roof"], "tile".into());
    }
}
