use std::collections::HashMap;
use std::error::Error;
use std::fmt;

pub type AccountId = u32;

#[derive(Debug, PartialEq, Eq)]
pub enum BankError {
    NoSuchAccount(AccountId),
    NotEnough { available: u64, wanted: u64 },
    SameAccount,
}

impl fmt::Display for BankError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BankError::NoSuchAccount(id) => write!(f, "account {} does not exist", id),
            BankError::NotEnough { available, wanted } => {
                write!(f, "{} cents are wanted, {} are there", wanted, available)
            }
            BankError::SameAccount => write!(f, "a transfer needs two accounts"),
        }
    }
}

impl Error for BankError {}

#[derive(Default)]
pub struct Bank {
    balances: HashMap<AccountId, u64>,
    next_id: AccountId,
}

impl Bank {
    pub fn open(&mut self, cents: u64) -> AccountId {
        let id = self.next_id;
        self.next_id += 1;
        self.balances.insert(id, cents);
        id
    }

    pub fn balance(&self, id: AccountId) -> Result<u64, BankError> {
        self.balances.get(&id).copied().ok_or(BankError::NoSuchAccount(id))
    }

    pub fn transfer(&mut self, from: AccountId, to: AccountId, cents: u64) -> Result<(), BankError> {
        if from == to {
            return Err(BankError::SameAccount);
        }
        let available = self.balance(from)?;
        let received = self.balance(to)?;
        let left = available
            .checked_sub(cents)
            .ok_or(BankError::NotEnough { available, wanted: cents })?;
        self.balances.insert(from, left);
        self.balances.insert(to, received + cents);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut bank = Bank::default();
    let (alice, bob) = (bank.open(10_000), bank.open(500));
    bank.transfer(alice, bob, 2_500)?;
    println!("{} {}", bank.balance(alice)?, bank.balance(bob)?);
    if let Err(error) = bank.transfer(bob, alice, 1_000_000) {
        println!("refused: {}", error);
    }
    Ok(())
}
