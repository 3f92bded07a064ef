//! A prefix tree over characters.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Trie {
    children: BTreeMap<char, Trie>,
    is_word: bool,
}

impl Trie {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn insert(&mut self, word: &str) {
        let mut node = self;
        for letter in word.chars() {
            node = node.children.entry(letter).or_default();
        }
        node.is_word = true;
    }

    fn descend(&self, prefix: &str) -> Option<&Trie> {
        prefix
            .chars()
            .try_fold(self, |node, letter| node.children.get(&letter))
    }

    pub fn contains(&self, word: &str) -> bool {
        self.descend(word).map_or(false, |node| node.is_word)
    }

    /// All words that begin with `prefix`, in order.
    pub fn complete(&self, prefix: &str) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(node) = self.descend(prefix) {
            node.collect(&mut prefix.to_string(), &mut found);
        }
        found
    }

    fn collect(&self, path: &mut String, found: &mut Vec<String>) {
        if self.is_word {
            found.push(path.clone());
        }
        for (letter, child) in &self.children {
            path.push(*letter);
            child.collect(path, found);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_in_order() {
        let mut trie = Trie::new();
        for word in ["tea", "ten", "to", "inn", "in"] {
            trie.insert(word);
        }
        assert_eq!(trie.complete("te"), vec!["tea", "ten"]);
        assert!(trie.contains("in") && !trie.contains("te"));
    }
}
