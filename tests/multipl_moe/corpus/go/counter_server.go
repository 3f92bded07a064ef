package main

import (
	"encoding/json"
	"log"
	"net/http"
	"sort"
	"sync"
)

type entry struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type counters struct {
	mutex sync.RWMutex
	byKey map[string]int
}

func (c *counters) increment(name string) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.byKey[name]++
	return c.byKey[name]
}

func (c *counters) list() []entry {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	entries := make([]entry, 0, len(c.byKey))
	for name, count := range c.byKey {
		entries = append(entries, entry{name, count})
	}
	sort.Slice(entries, func(i, j int) bool {
		if entries[i].Count != entries[j].Count {
			return entries[i].Count > entries[j].Count
		}
		return entries[i].Name < entries[j].Name
	})
	return entries
}

func (c *counters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.Method {
	case http.MethodPost:
		name := r.URL.Query().Get("name")
		if name == "" {
			http.Error(w, `{"error": "name is missing"}`, http.StatusBadRequest)
			return
		}
		json.NewEncoder(w).Encode(entry{name, c.increment(name)})
	case http.MethodGet:
		json.NewEncoder(w).Encode(c.list())
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func main() {
	handler := &counters{byKey: make(map[string]int)}
	log.Fatal(http.ListenAndServe("localhost:8080", handler))
}
