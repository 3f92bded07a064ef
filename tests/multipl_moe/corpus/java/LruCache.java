package cache;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** A map of bounded size that forgets the entry that was used longest ago. */
public final class LruCache<K, V> {
    private static final class Node<K, V> {
        final K key;
        V value;
        Node<K, V> newer;
        Node<K, V> older;

        Node(K key, V value) {
            this.key = key;
            this.value = value;
        }
    }

    private final int capacity;
    private final Map<K, Node<K, V>> nodes = new HashMap<>();
    private Node<K, V> newest;
    private Node<K, V> oldest;

    public LruCache(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity must be positive: " + capacity);
        }
        this.capacity = capacity;
    }

    public Optional<V> get(K key) {
        Node<K, V> node = nodes.get(key);
        if (node == null) {
            return Optional.empty();
        }
        unlink(node);
        linkAsNewest(node);
        return Optional.of(node.value);
    }

    public void put(K key, V value) {
        Node<K, V> node = nodes.get(key);
        if (node != null) {
            node.value = value;
            unlink(node);
        } else {
            if (nodes.size() == capacity) {
                nodes.remove(oldest.key);
                unlink(oldest);
            }
            node = new Node<>(key, value);
            nodes.put(key, node);
        }
        linkAsNewest(node);
    }

    public V computeIfAbsent(K key, Function<? super K, ? extends V> compute) {
        return get(key).orElseGet(() -> {
            V value = compute.apply(key);
            put(key, value);
            return value;
        });
    }

    public int size() {
        return nodes.size();
    }

    private void unlink(Node<K, V> node) {
        if (node.newer != null) node.newer.older = node.older; else newest = node.older;
        if (node.older != null) node.older.newer = node.newer; else oldest = node.newer;
        node.newer = null;
        node.older = null;
    }

    private void linkAsNewest(Node<K, V> node) {
        node.older = newest;
        if (newest != null) newest.newer = node;
        newest = node;
        if (oldest == null) oldest = node;
    }
}
