//! What must hold of two households as one, whatever is in them.
#![allow(clippy::unwrap_used)]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

const ROOF: &str = "roof";

fn whole(answers: &[(&str, &str)]) -> Whole {
    let mut whole = Whole::default();
    for (key, value) in answers {
        let path: Path = key.parse().unwrap();
        whole.put(&path, Some((*value).into()), vec![ChangeHash([1; 32])]);
    }
    whole
}

fn link(members: &[(&str, &str)], choices: &[(&str, [&str; 2], &str)]) -> Link {
    let choice = |(path, seen, value): &(&str, [&str; 2], &str)| Choice {
        path: path.parse().unwrap(),
        seen: seen.map(|value| Some(value.into())),
        value: Some((*value).into()),
    };
    Link {
        kept: DocumentId([1; 16]),
        absorbed: DocumentId([2; 16]),
        members: members.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        choices: choices.iter().map(choice).collect(),
    }
}

#[test]
fn equal_answers_agree_and_others_wait_for_a_choice() {
    let ours = whole(&[("answers/roof", "tile"), ("members/a/name", "Hồ Văn Hùng")]);
    let theirs = whole(&[
        ("answers/roof", "leaf"),
        ("answers/wall", "plank"),
        ("members/b/name", "Hồ Văn Hùng"),
        ("members/c/name", "Hồ Thị Lan"),
    ]);
    let open = joined(&ours, &theirs, &link(&[("b", "a")], &[]));
    assert_eq!(open.resolved.disputes.len(), 1);
    let household = &open.resolved.household;
    assert_eq!((household.members.len(), household.answers.len()), (2, 1));

    let chosen = link(&[("b", "a")], &[("answers/roof", ["tile", "leaf"], "leaf")]);
    let closed = joined(&ours, &theirs, &chosen);
    assert_eq!(closed.resolved.disputes, []);
    assert_eq!(closed.resolved.household.answers[ROOF], "leaf".into());
}

#[test]
fn a_late_edit_that_contradicts_the_choice_opens_it_again() {
    let chosen = link(&[], &[("answers/roof", ["tile", "leaf"], "leaf")]);
    let roof = |ours: &str, theirs: &str| {
        let (ours, theirs) = (whole(&[("answers/roof", ours)]), whole(&[("answers/roof", theirs)]));
        let whole = joined(&ours, &theirs, &chosen).resolved;
        whole.household.answers.get(ROOF).and_then(Value::as_text).map(ToOwned::to_owned)
    };
    assert_eq!(roof("tile", "leaf").as_deref(), Some("leaf"));
    assert_eq!(roof("leaf", "leaf").as_deref(), Some("leaf"), "it came to what was chosen");
    assert_eq!(roof("concrete", "concrete").as_deref(), Some("concrete"), "both say it now");
    assert_eq!(roof("tile", "canvas"), None);
    assert_eq!(roof("canvas", "leaf"), None);
}

#[test]
fn whether_somebody_still_counts_is_nobodys_guess() {
    let ours = whole(&[("members/a/name", "x"), ("members/a/removed", "died")]);
    let theirs = whole(&[("members/b/name", "x")]);
    let open = joined(&ours, &theirs, &link(&[("b", "a")], &[]));
    assert_eq!(open.resolved.disputes[0].path.to_string(), "members/a/removed");
    let apart = joined(&ours, &theirs, &link(&[], &[]));
    assert_eq!(apart.resolved.disputes, []);
}

#[test]
fn nothing_is_merged_upon_a_merge() {
    let id = |byte| DocumentId([byte; 16]);
    let links = [(id(1), id(2))];
    assert_eq!(may_link(id(3), id(3), &links), Err(LinkError::Itself));
    assert_eq!(may_link(id(2), id(1), &links), Err(LinkError::Chain), "a ring");
    assert_eq!(may_link(id(3), id(1), &links), Err(LinkError::Chain));
    assert_eq!(may_link(id(2), id(3), &links), Err(LinkError::Chain));
    assert_eq!(may_link(id(3), id(2), &links), Err(LinkError::Chain));
    assert_eq!(may_link(id(1), id(3), &links), Ok(()), "three registrations of one family");
    assert_eq!(may_link(id(1), id(2), &links), Ok(()), "chosen anew");
    let many: Vec<_> = (10..18).map(|absorbed| (id(1), id(absorbed))).collect();
    assert_eq!(may_link(id(1), id(3), &many), Err(LinkError::TooMany));
}

#[test]
fn a_decision_names_members_and_answers_that_are_there() {
    let ours = whole(&[("answers/roof", "tile"), ("members/a/name", "x")]).resolved.household;
    let theirs = whole(&[("answers/roof", "leaf"), ("members/b/name", "y")]).resolved.household;
    let judged = |link: Link| check(&ours, &theirs, &link);
    assert_eq!(judged(link(&[("b", "a")], &[("members/a/name", ["x", "y"], "y")])), Ok(()));
    assert_eq!(judged(link(&[("z", "a")], &[])), Err(LinkError::Members));
    assert_eq!(judged(link(&[("b", "z")], &[])), Err(LinkError::Members));
    let other = link(&[], &[("answers/roof", ["tile", "leaf"], "gold")]);
    assert_eq!(judged(other), Err(LinkError::Choice));
    let stale = link(&[], &[("answers/roof", ["tin", "leaf"], "tin")]);
    assert_eq!(judged(stale), Err(LinkError::Choice), "it moved on");
}

fn any_whole() -> impl Strategy<Value = Whole> {
    let key = prop_oneof![
        Just("answers/a"),
        Just("answers/b"),
        Just("members/m/x"),
        Just("members/n/x"),
        Just("members/m/removed"),
        Just("b1_items/i")
    ];
    let values = btree_map(key, 0_i64..3, 0..6);
    let disputed = vec((prop_oneof![Just("answers/c"), Just("members/m/y")], 0_i64..3), 0..2);
    (values, disputed).prop_map(|(values, disputed)| {
        let mut whole = Whole::default();
        for (key, value) in values {
            whole.put(&key.parse().unwrap(), Some(value.into()), Vec::new());
        }
        for (key, value) in disputed {
            let path: Path = key.parse().unwrap();
            if whole.resolved.disputes.iter().all(|of| of.path != path) {
                let side =
                    |value: i64| DisputedValue { value: Some(value.into()), changes: vec![] };
                whole.dispute(&path, vec![side(value), side(value + 1)]);
            }
        }
        whole
    })
}

fn any_link() -> impl Strategy<Value = Link> {
    let pairs = prop_oneof![
        Just(vec![]),
        Just(vec![("m", "m")]),
        Just(vec![("m", "n")]),
        Just(vec![("n", "m")]),
        Just(vec![("m", "n"), ("n", "m")]),
    ];
    let path = prop_oneof![Just("answers/a"), Just("members/m/x"), Just("b1_items/i")];
    (pairs, vec((path, 0_i64..3, 0_i64..3, any::<bool>()), 0..3)).prop_map(|(pairs, choices)| {
        let mut made = link(&pairs, &[]);
        made.choices = choices
            .into_iter()
            .map(|(path, one, other, first)| Choice {
                path: path.parse().unwrap(),
                seen: [Some(one.into()), Some(other.into())],
                value: Some(if first { one } else { other }.into()),
            })
            .collect();
        made
    })
}

proptest! {
    /// Every value of either document is in the household, in a dispute, or was decided against by
    /// somebody who had seen it.
    #[test]
    fn nothing_is_lost(ours in any_whole(), theirs in any_whole(), link in any_link()) {
        let whole = joined(&ours, &theirs, &link).resolved;
        let other = moved(&theirs.resolved.household, &link.members);
        for (at, household) in [&ours.resolved.household, &other].into_iter().enumerate() {
            for path in paths(household) {
                let value = path.value_in(household);
                let stands = path.value_in(&whole.household) == value;
                let open = whole.disputes.iter().any(|of| {
                    of.path == path && of.values.iter().any(|side| side.value == value)
                });
                let decided = link.choices.iter().any(|choice| {
                    choice.path == path && choice.seen[at] == value && choice.value != value
                });
                prop_assert!(stands || open || decided, "{path} {value:?}");
            }
        }
        for dispute in ours.resolved.disputes.iter().chain(&theirs.resolved.disputes) {
            let path = moved_path(&dispute.path, &link.members);
            let kept = whole.disputes.iter().any(|of| of.path == path || of.path == dispute.path);
            prop_assert!(kept);
        }
    }

    /// An empty document changes nothing, and nothing depends on how often it is done.
    #[test]
    fn an_empty_document_adds_nothing(ours in any_whole(), link in any_link()) {
        let link = Link { members: BTreeMap::new(), ..link };
        let mut alone = ours.resolved.clone();
        alone.disputes.sort_by(|a, b| a.path.cmp(&b.path));
        let whole = joined(&ours, &Whole::default(), &link).resolved;
        prop_assert_eq!(&whole, &alone);
    }

    /// A copy of a document agrees with it about everything.
    #[test]
    fn a_copy_agrees(ours in any_whole(), link in any_link()) {
        let link = Link { members: BTreeMap::new(), ..link };
        let whole = joined(&ours, &ours, &link).resolved;
        prop_assert_eq!(whole.household, ours.resolved.household);
        prop_assert_eq!(whole.disputes.len(), ours.resolved.disputes.len());
    }
}
