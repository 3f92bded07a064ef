package events;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Delivers events to the listeners of their class and of its superclasses. */
public class EventBus {
    private final Map<Class<?>, List<Consumer<Object>>> listeners = new ConcurrentHashMap<>();
    private final List<RuntimeException> failures = new ArrayList<>();

    /** Handle with which a listener can be taken off again. */
    public interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    public <E> Subscription subscribe(Class<E> type, Consumer<? super E> listener) {
        Consumer<Object> wrapped = event -> listener.accept(type.cast(event));
        List<Consumer<Object>> list =
                listeners.computeIfAbsent(type, key -> new CopyOnWriteArrayList<>());
        list.add(wrapped);
        return () -> list.remove(wrapped);
    }

    public int publish(Object event) {
        int delivered = 0;
        for (Class<?> type = event.getClass(); type != null; type = type.getSuperclass()) {
            for (Consumer<Object> listener : listeners.getOrDefault(type, List.of())) {
                try {
                    listener.accept(event);
                    delivered++;
                } catch (RuntimeException failure) {
                    synchronized (failures) {
                        failures.add(failure);
                    }
                }
            }
        }
        return delivered;
    }

    public List<RuntimeException> drainFailures() {
        synchronized (failures) {
            List<RuntimeException> result = new ArrayList<>(failures);
            failures.clear();
            return result;
        }
    }
}
