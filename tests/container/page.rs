//! docs/containers.md as a row of blocks that are taken one after the other.
//! In comes the page; out go its commands and the answers below them.
//! A block that a test passes over is named by the test.

use crate::harness::workspace;
use std::collections::VecDeque;

struct Block {
    language: String,
    text: String,
}

/// What is left of the page.
pub(crate) struct Page {
    text: String,
    blocks: VecDeque<Block>,
}

impl Page {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(workspace().join("docs/containers.md")).unwrap();
        let blocks = blocks(&text);
        Self { text, blocks }
    }

    /// The page from this heading on.
    pub(crate) fn from(self, heading: &str) -> Self {
        let start = self.text.find(heading).unwrap_or_else(|| panic!("the page has no {heading:?}"));
        let text = self.text[start..].to_owned();
        Self { blocks: blocks(&text), text }
    }

    /// The next command, which has to begin so.
    #[track_caller]
    pub(crate) fn command(&mut self, beginning: &str) -> String {
        while self.blocks.front().is_some_and(|block| block.language != "sh") {
            let passed = self.blocks.pop_front().unwrap();
            assert_eq!(passed.language, "text", "nobody has looked at {}", passed.text);
        }
        let block = self.blocks.pop_front().unwrap_or_else(|| panic!("the page ends before {beginning}"));
        assert!(block.text.starts_with(beginning), "the page has\n{}\nand the test expects {beginning}", block.text);
        block.text
    }

    /// The block after the last one, in this language.
    #[track_caller]
    pub(crate) fn block(&mut self, language: &str) -> String {
        let block = self.blocks.pop_front().unwrap();
        assert_eq!(block.language, language, "{}", block.text);
        block.text
    }
}

fn blocks(text: &str) -> VecDeque<Block> {
    let blocks = text.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.map(|(language, text)| Block { language: language.to_owned(), text: text.trim().to_owned() }).collect()
}
