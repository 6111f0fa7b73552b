//! On real logs and recorded incidents next to almost nothing is taken. Without the data beside the repository there is nothing to measure.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use super::super::{json, text};

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { files(&entry.path(), all) } else { all.push(entry.path()) }
    }
}

fn read(path: &Path) -> String {
    let mut bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|end| end == "gz") {
        let packed = std::mem::take(&mut bytes);
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn fewer_than_one_line_in_a_thousand_of_real_material_changes() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let mut all = Vec::new();
    ["loglines", "scenarios", "alerts"].iter().for_each(|set| files(&data.join(set), &mut all));
    let (mut lines, mut changed) = (0u32, 0u32);
    for path in all {
        let whole = read(&path);
        for line in whole.lines() {
            lines += 1;
            let (without, parsed) = (text(line), json(line));
            if without != line || parsed != line {
                changed += 1;
                let from = without.bytes().zip(line.bytes()).take_while(|(a, b)| a == b).count();
                let show = |text: &str| text.chars().skip(from.saturating_sub(60)).take(160).collect::<String>();
                println!("{}: {} => {}", path.file_name().unwrap().display(), show(line), show(&without));
            }
        }
        // The whole text is not worse than its lines.
        let marks = |text: &str| text.matches("[redacted").count();
        let (apart, together) = (whole.lines().map(|line| marks(&text(line))).sum::<usize>(), marks(&text(&whole)));
        if together > apart {
            println!("{}: {together} in the whole text, {apart} in its lines", path.display());
        }
    }
    println!("{changed} of {lines} lines");
    assert!(changed * 1000 <= lines, "{changed} of {lines} lines changed");
}
