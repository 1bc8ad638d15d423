//! Damage: what a disk may do to sled's files, and what the store says of it.
//! In come stores with known entries and changed bytes; out goes whether every loss is told, and what is saved.
//! Each test damages a copy at many places, so no place of sled's log is taken on trust.

use super::{BTreeMap, Change, Disk, Engine as _, LOG, Loss, Path, salvage};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use tempfile::TempDir;

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Nodes of a store under test: enough for a tree of several levels.
const NODES: u32 = 3000;
/// How often a page is written before it is written as a whole again.
const ROUNDS: u32 = 3;

fn key(number: u32) -> Vec<u8> {
    [&[2][..], &number.to_be_bytes()].concat()
}

/// A store in which entries were made, changed and deleted, some of them in pieces; and what it held after each step.
fn filled(folder: &Path) -> (Entries, Vec<Entries>) {
    let disk = Disk::open(folder).unwrap();
    let (mut entries, mut steps) = (Entries::new(), vec![Entries::new()]);
    for round in 0..ROUNDS {
        for part in 0..30 {
            let numbers = (part * NODES / 30)..((part + 1) * NODES / 30);
            let changes: Vec<Change> = numbers
                .map(|number| match (number + round) % 500 {
                    0 => (key(number), Some(vec![u8::try_from(round).unwrap(); 40_000])),
                    1..10 => (key(number), None),
                    _ => (key(number), Some(format!("{number} {round}").into_bytes())),
                })
                .collect();
            disk.apply(&changes).unwrap();
            for (key, bytes) in changes {
                match bytes {
                    Some(bytes) => entries.insert(key, bytes),
                    None => entries.remove(&key),
                };
            }
            steps.push(entries.clone());
        }
    }
    disk.flush().unwrap();
    assert_eq!(disk.verify(), Ok(()));
    (entries, steps)
}

/// All entries of a store; none: they cannot be read.
fn all(disk: &Disk) -> Option<Entries> {
    use std::ops::Bound::{Excluded, Included};
    let found = disk.scan((Included(&[2]), Excluded(&[3])), false, usize::MAX).ok()?;
    Some(found.into_iter().collect())
}

/// What a log gives without sled, in a store of its own, and whether it is all there is to be.
fn salvaged(log: &Path) -> (TempDir, Disk, Result<(), Loss>) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(&folder.path().join("sled")).unwrap();
    let kept = salvage(log, &mut |entries| disk.fill(entries).map_err(|failure| failure.words)).unwrap();
    disk.tidy().unwrap();
    let told = disk.count().unwrap().compare(kept);
    (folder, disk, told)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("blobs")).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|file| file.path().is_file()) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn what_was_stored_is_there_after_a_new_start_and_nothing_is_amiss() {
    let folder = tempfile::tempdir().unwrap();
    let (entries, _) = filled(folder.path());
    let disk = Disk::open(folder.path()).unwrap();
    assert_eq!(disk.verify(), Ok(()));
    assert_eq!(all(&disk), Some(entries));
    // Values in pieces go with all of them.
    let before = disk.count().unwrap();
    let long = vec![7; 100_000];
    disk.apply(&[(key(1), Some(long.clone())), (key(1), Some(long))]).unwrap();
    disk.apply(&[(key(1), Some(b"short".to_vec()))]).unwrap();
    disk.apply(&[(key(1), None)]).unwrap();
    assert!(disk.count().unwrap().bytes <= before.bytes);
    assert_eq!(disk.verify(), Ok(()));
}

#[test]
fn a_log_is_read_without_sled_and_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (entries, _) = filled(folder.path());
    let (_other, disk, told) = salvaged(&folder.path().join(LOG));
    assert_eq!(told, Ok(()));
    assert_eq!(all(&disk), Some(entries));
}

#[test]
fn wherever_a_block_is_lost_the_loss_is_told_and_the_rest_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (entries, steps) = filled(folder.path());
    let length = fs::metadata(folder.path().join(LOG)).unwrap().len();
    for place in 0..24 {
        let damaged = tempfile::tempdir().unwrap();
        copy(folder.path(), damaged.path());
        let log = OpenOptions::new().write(true).open(damaged.path().join(LOG)).unwrap();
        log.write_all_at(&[0; 4096], length / 24 * place).unwrap();
        let (_other, saved, told) = salvaged(&damaged.path().join(LOG));
        let found = all(&saved).unwrap();
        assert_eq!(told.is_ok(), found == entries, "at {place}: {told:?}");
        let same = found.iter().filter(|(key, bytes)| entries.get(*key) == Some(bytes)).count();
        assert!(same + 400 > entries.len(), "at {place}: only {same} of {} are saved", entries.len());
        // sled itself shows what was there after some step, or it is found out; a step that is too early shows in the commits.
        match Disk::open(damaged.path()) {
            Err(_) => {}
            Ok(disk) => {
                let is_a_step = all(&disk).is_some_and(|found| steps.contains(&found));
                assert_eq!(disk.verify().is_ok(), is_a_step, "at {place}");
            }
        }
    }
}

/// Where sled puts a page depends on when its own thread runs; so all that ever held these values is damaged, wherever it is.
#[test]
fn values_of_which_every_copy_is_damaged_are_missed_and_hardly_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let (entries, _) = filled(folder.path());
    for number in [20, 777, 1234, 2025, 2990] {
        let damaged = tempfile::tempdir().unwrap();
        copy(folder.path(), damaged.path());
        let value = entries.get(&key(number)).unwrap();
        let mut log = fs::read(damaged.path().join(LOG)).unwrap();
        let places: Vec<usize> = (0..log.len() - value.len()).filter(|at| log[*at..].starts_with(value)).collect();
        assert!(!places.is_empty(), "{number} is not in the log");
        for at in places {
            log[at] ^= 1;
        }
        fs::write(damaged.path().join(LOG), log).unwrap();
        let (_other, saved, told) = salvaged(&damaged.path().join(LOG));
        assert!(told.is_err(), "the loss of {number} is not told");
        let found = all(&saved).unwrap();
        assert_ne!(found.get(&key(number)), Some(value), "{number} was believed");
        assert!(found.values().all(|bytes| bytes.len() != value.len() || bytes[0].is_ascii_digit()), "{number}");
        let same = found.iter().filter(|(key, bytes)| entries.get(*key) == Some(bytes)).count();
        assert!(same + 100 > entries.len(), "{number}: only {same} of {} are saved", entries.len());
    }
}

#[test]
fn a_log_that_ends_early_is_a_loss_also_where_nothing_of_it_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (entries, _) = filled(folder.path());
    let length = fs::metadata(folder.path().join(LOG)).unwrap().len();
    for part in [0, 1, 3, 7] {
        let damaged = tempfile::tempdir().unwrap();
        copy(folder.path(), damaged.path());
        OpenOptions::new().write(true).open(damaged.path().join(LOG)).unwrap().set_len(length / 8 * part).unwrap();
        let (_other, disk, _) = salvaged(&damaged.path().join(LOG));
        let found = all(&disk).unwrap();
        assert!(found.len() < entries.len() || part == 7);
        assert!(found.keys().all(|key| key.len() == 5 && key.first() == Some(&2)));
    }
}

#[test]
fn a_lost_sum_is_told_and_a_loss_can_be_accepted() {
    let folder = tempfile::tempdir().unwrap();
    {
        let disk = Disk::open(folder.path()).unwrap();
        disk.apply(&[(key(1), Some(b"1".to_vec())), (key(2), Some(b"2".to_vec()))]).unwrap();
        disk.forget(None, &key(1));
        assert_eq!(disk.verify(), Err(Loss::Missing { found: 1, of: 2 }));
        disk.forget(Some(b"3"), &key(2));
        disk.forget(Some(b"3"), &key(3));
        assert_eq!(disk.verify(), Err(Loss::Older { found: 2, of: 2 }));
    }
    let disk = Disk::open(folder.path()).unwrap();
    assert_eq!(disk.verify(), Err(Loss::Older { found: 2, of: 2 }));
    disk.accept().unwrap();
    assert_eq!(disk.verify(), Ok(()));
    disk.forget_sum();
    drop(disk);
    let disk = Disk::open(folder.path()).unwrap();
    assert_eq!(disk.verify(), Err(Loss::Unknown { found: 2 }));
}

#[test]
fn torn_values_and_pieces_of_nothing_are_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path()).unwrap();
    let long = Some(vec![9; 50_000]);
    disk.apply(&[(key(1), long.clone()), (key(2), long.clone()), (key(3), long.clone())]).unwrap();
    disk.forget(None, &super::super::pieces::piece_key(&key(1), 2));
    disk.forget(None, &key(2));
    assert!(disk.get(&key(1)).is_err());
    disk.accept().unwrap();
    disk.tidy().unwrap();
    assert_eq!(disk.verify(), Ok(()));
    assert_eq!((disk.get(&key(1)), disk.get(&key(2)), disk.get(&key(3))), (Ok(None), Ok(None), Ok(long)));
    assert_eq!(disk.count().unwrap().nodes, 1);
    assert!(disk.count().unwrap().bytes < 51_000);
}
