//! A stable merge sort that allocates one buffer.

pub fn merge_sort<T, F>(items: &mut [T], less: F)
where
    T: Clone,
    F: Fn(&T, &T) -> bool,
{
    let mut buffer = items.to_vec();
    sort_into(items, &mut buffer, &less);
}

fn sort_into<T, F>(items: &mut [T], buffer: &mut [T], less: &F)
where
    T: Clone,
    F: Fn(&T, &T) -> bool,
{
    if items.len() < 2 {
        return;
    }
    let middle = items.len() / 2;
    let (left_buffer, right_buffer) = buffer.split_at_mut(middle);
    sort_into(&mut items[..middle], left_buffer, less);
    sort_into(&mut items[middle..], right_buffer, less);
    buffer.clone_from_slice(items);
    let (left, right) = buffer.split_at(middle);
    let (mut i, mut j) = (0, 0);
    for slot in items.iter_mut() {
        // Taking from the left on ties keeps the order of equal items.
        let take_left = j == right.len() || (i < left.len() && !less(&right[j], &left[i]));
        *slot = if take_left {
            i += 1;
            left[i - 1].clone()
        } else {
            j += 1;
            right[j - 1].clone()
        };
    }
}

#[test]
fn sorts_and_is_stable() {
    let mut words = vec!["pear", "fig", "apple", "kiwi", "date", "lime"];
    merge_sort(&mut words, |a, b| a.len() < b.len());
    assert_eq!(words, ["fig", "pear", "kiwi", "date", "lime", "apple"]);
}
