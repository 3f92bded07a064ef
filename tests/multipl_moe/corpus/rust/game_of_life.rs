use std::collections::{HashMap, HashSet};

type Cell = (i64, i64);

/// An endless board; only living cells are stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Board {
    alive: HashSet<Cell>,
}

impl Board {
    pub fn parse(picture: &str) -> Board {
        let alive = picture
            .lines()
            .enumerate()
            .flat_map(|(y, line)| {
                line.chars()
                    .enumerate()
                    .filter(|(_, symbol)| *symbol == '#')
                    .map(move |(x, _)| (x as i64, y as i64))
            })
            .collect();
        Board { alive }
    }

    pub fn step(&self) -> Board {
        let mut neighbours: HashMap<Cell, u32> = HashMap::new();
        for &(x, y) in &self.alive {
            for dx in -1..=1 {
                for dy in -1..=1 {
                    if (dx, dy) != (0, 0) {
                        *neighbours.entry((x + dx, y + dy)).or_insert(0) += 1;
                    }
                }
            }
        }
        let alive = neighbours
            .into_iter()
            .filter(|(cell, count)| *count == 3 || (*count == 2 && self.alive.contains(cell)))
            .map(|(cell, _)| cell)
            .collect();
        Board { alive }
    }

    pub fn population(&self) -> usize {
        self.alive.len()
    }
}

fn main() {
    let mut board = Board::parse(".#.\n..#\n###");
    for generation in 0..10 {
        println!("{:>3}: {} cells", generation, board.population());
        board = board.step();
    }
}
