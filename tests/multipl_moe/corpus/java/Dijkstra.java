package graphs;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;

/** Shortest paths from one vertex of a directed graph with weights that are not negative. */
public class Dijkstra {
    private static class Edge {
        final int target;
        final double weight;

        Edge(int target, double weight) {
            this.target = target;
            this.weight = weight;
        }
    }

    private final List<List<Edge>> edges = new ArrayList<>();

    public Dijkstra(int vertices) {
        for (int i = 0; i < vertices; i++) {
            edges.add(new ArrayList<>());
        }
    }

    public void connect(int from, int to, double weight) {
        if (weight < 0) {
            throw new IllegalArgumentException("weight must not be negative: " + weight);
        }
        edges.get(from).add(new Edge(to, weight));
    }

    public Deque<Integer> shortestPath(int source, int target) {
        double[] distance = new double[edges.size()];
        int[] previous = new int[edges.size()];
        Arrays.fill(distance, Double.POSITIVE_INFINITY);
        Arrays.fill(previous, -1);
        distance[source] = 0.0;
        PriorityQueue<Edge> queue =
                new PriorityQueue<>((a, b) -> Double.compare(a.weight, b.weight));
        queue.add(new Edge(source, 0.0));
        while (!queue.isEmpty()) {
            Edge nearest = queue.poll();
            if (nearest.weight > distance[nearest.target]) {
                continue;
            }
            for (Edge edge : edges.get(nearest.target)) {
                double candidate = nearest.weight + edge.weight;
                if (candidate < distance[edge.target]) {
                    distance[edge.target] = candidate;
                    previous[edge.target] = nearest.target;
                    queue.add(new Edge(edge.target, candidate));
                }
            }
        }
        Deque<Integer> path = new ArrayDeque<>();
        if (distance[target] < Double.POSITIVE_INFINITY) {
            for (int vertex = target; vertex >= 0; vertex = previous[vertex]) {
                path.addFirst(vertex);
            }
        }
        return path;
    }
}
