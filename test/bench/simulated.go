package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// simulated is a part of an API server in memory: the ConfigMaps of a cluster, and the
// inventories of apps. Everything else is the real cluster's, see lab.before. It stores what
// is applied as an API server does that has one field manager: with versions, with the fields
// that the manager owns, and with watches. It checks nothing, and it knows no selector but
// that an object is part of an ApplySet.
type simulated struct {
	next http.Handler

	mu      sync.Mutex
	version int
	objects map[place]map[string]any
	watches map[*watching]struct{}
}

// place is where an object is: the resource is one of configmaps and secrets.
type place struct{ resource, namespace, name string }

// watching is a watch that goes on.
type watching struct {
	resource string
	whole    bool
	news     chan []byte // the events that are to be sent
	gone     <-chan struct{}
}

// inventories is the namespace of Pushboat's own objects.
const inventories = "pushboat-system"

// simulate puts simulated objects before a cluster.
func simulate(next http.Handler) *simulated {
	return &simulated{next: next, version: 1_000_000, objects: map[place]map[string]any{}, watches: map[*watching]struct{}{}}
}

// placeOf reads the path of a request; ok is false for what the cluster has.
func placeOf(path string) (at place, ok bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/api/v1/"), "/")
	switch {
	case !strings.HasPrefix(path, "/api/v1/"):
		return at, false
	case len(parts) == 1:
		at = place{resource: parts[0]}
	case len(parts) == 3 && parts[0] == "namespaces":
		at = place{resource: parts[2], namespace: parts[1]}
	case len(parts) == 4 && parts[0] == "namespaces":
		at = place{resource: parts[2], namespace: parts[1], name: parts[3]}
	default:
		return at, false
	}
	return at, at.resource == "configmaps" || at.resource == "secrets" && at.namespace == inventories
}

// ServeHTTP implements http.Handler.
func (s *simulated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, ok := placeOf(r.URL.Path)
	whole := !strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata")
	switch {
	case !ok:
		s.next.ServeHTTP(w, r)
	case r.Method == http.MethodGet && at.name != "":
		s.mu.Lock()
		object := s.objects[at]
		s.mu.Unlock()
		answer(w, object, whole)
	case r.Method == http.MethodGet && r.URL.Query().Get("watch") != "":
		s.watch(w, r, at.resource, whole)
	case r.Method == http.MethodGet:
		s.list(w, r, at, whole)
	case r.Method == http.MethodPatch && strings.HasPrefix(r.Header.Get("Content-Type"), "application/apply-patch"):
		s.apply(w, r, at, whole)
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		object := s.objects[at]
		delete(s.objects, at)
		s.tell("DELETED", at.resource, object)
		s.mu.Unlock()
		answer(w, object, whole)
	default:
		http.Error(w, "not simulated: "+r.Method+" "+r.URL.Path, http.StatusMethodNotAllowed)
	}
}

// answer writes an object, or that there is none.
func answer(w http.ResponseWriter, object map[string]any, whole bool) {
	w.Header().Set("Content-Type", "application/json")
	if object == nil {
		w.WriteHeader(http.StatusNotFound)
		object, whole = map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": http.StatusNotFound}, true
	}
	_ = json.NewEncoder(w).Encode(shown(object, whole)) // a client who has gone misses it
}

// shown is an object in the form that was asked for.
func shown(object map[string]any, whole bool) map[string]any {
	if whole {
		return object
	}
	return map[string]any{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]}
}

// isMember reports whether an object is part of an ApplySet.
func isMember(object map[string]any) bool {
	metadata, _ := object["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	return labels["applyset.kubernetes.io/part-of"] != nil
}

// found lists the objects of a place, as they are now.
func (s *simulated) found(at place, selector string) (list []map[string]any) {
	for of, object := range s.objects {
		if of.resource == at.resource && (at.namespace == "" || of.namespace == at.namespace) && (!strings.HasSuffix(selector, "part-of") || isMember(object)) {
			list = append(list, object)
		}
	}
	return list
}

func (s *simulated) list(w http.ResponseWriter, r *http.Request, at place, whole bool) {
	s.mu.Lock()
	found := s.found(at, r.URL.Query().Get("labelSelector"))
	version := s.version
	s.mu.Unlock()
	items := make([]map[string]any, len(found))
	for i, object := range found {
		items[i] = shown(object, whole)
	}
	list := map[string]any{
		"kind": map[string]string{"configmaps": "ConfigMapList", "secrets": "SecretList"}[at.resource], "apiVersion": "v1",
		"metadata": map[string]any{"resourceVersion": strconv.Itoa(version)}, "items": items,
	}
	if !whole {
		list["kind"], list["apiVersion"] = "PartialObjectMetadataList", "meta.k8s.io/v1"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list) // a client who has gone misses it
}

// watch sends the members of ApplySets that there are, if the client asks for them, and then
// what becomes of them.
func (s *simulated) watch(w http.ResponseWriter, r *http.Request, resource string, whole bool) {
	own := &watching{resource: resource, whole: whole, news: make(chan []byte, 1<<16), gone: r.Context().Done()}
	s.mu.Lock()
	var first [][]byte
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, object := range s.found(place{resource: resource}, "part-of") {
			first = append(first, own.event("ADDED", object))
		}
		first = append(first, own.event("BOOKMARK", map[string]any{"kind": "ConfigMap", "apiVersion": "v1", "metadata": map[string]any{
			"resourceVersion": strconv.Itoa(s.version), "annotations": map[string]any{"k8s.io/initial-events-end": "true"},
		}}))
	}
	s.watches[own] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watches, own)
	}()
	w.Header().Set("Content-Type", "application/json")
	control := http.NewResponseController(w)
	for _, event := range first {
		if _, err := w.Write(event); err != nil {
			return
		}
	}
	for {
		if control.Flush() != nil {
			return
		}
		select {
		case event := <-own.news:
			if _, err := w.Write(event); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// event writes an event of a watch.
func (own *watching) event(kind string, object map[string]any) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "object": shown(object, own.whole)})
	if err != nil {
		return nil // what was read as JSON can be written so
	}
	return append(text, '\n')
}

// tell has watches hear of an object. s.mu is held.
func (s *simulated) tell(kind, resource string, object map[string]any) {
	if !isMember(object) {
		return
	}
	for own := range s.watches {
		if own.resource != resource {
			continue
		}
		select {
		case own.news <- own.event(kind, object):
		case <-own.gone:
		}
	}
}

func (s *simulated) apply(w http.ResponseWriter, r *http.Request, at place, whole bool) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	var wanted map[string]any
	if err := json.Unmarshal(text, &wanted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, s.applied(wanted, at, r.URL.Query().Get("fieldManager"), r.URL.Query().Get("dryRun") != ""), whole)
}

// applied is an object after an apply, or after one that was only tried.
func (s *simulated) applied(wanted map[string]any, at place, manager string, dry bool) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.objects[at]
	now := s.after(was, wanted, at, manager)
	switch {
	case !dry:
		return s.store(was, now, at)
	case was == nil: // what was never stored has no version
		delete(part(now, "metadata"), "resourceVersion")
	}
	return now
}

// store keeps an object, unless it is as it was, and returns what is kept. s.mu is held.
func (s *simulated) store(was, now map[string]any, at place) map[string]any {
	metadata := part(now, "metadata")
	if was != nil && same(was, now) {
		return was
	}
	s.version++
	metadata["resourceVersion"] = strconv.Itoa(s.version)
	s.objects[at] = now
	s.tell(map[bool]string{true: "ADDED", false: "MODIFIED"}[was == nil], at.resource, now)
	return now
}

// part is a part of an object that is an object itself.
func part(object map[string]any, name string) map[string]any {
	of, _ := object[name].(map[string]any)
	return of
}

// same compares two versions of an object, but for the times of its field managers.
func same(a, b map[string]any) bool {
	timeless := func(object map[string]any) string {
		plain := maps.Clone(object)
		metadata := maps.Clone(part(object, "metadata"))
		fields, _ := metadata["managedFields"].([]any)
		var owners []any
		for _, entry := range fields {
			owner, _ := entry.(map[string]any)
			owner = maps.Clone(owner)
			delete(owner, "time")
			owners = append(owners, owner)
		}
		metadata["managedFields"], plain["metadata"] = owners, metadata
		text, err := json.Marshal(plain)
		if err != nil {
			return err.Error() // what was read as JSON can be written so
		}
		return string(text)
	}
	return timeless(a) == timeless(b)
}

// after is an object after an apply: as it is wanted, and nobody else's.
func (s *simulated) after(was, wanted map[string]any, at place, manager string) map[string]any {
	metadata, _ := wanted["metadata"].(map[string]any)
	fields := fieldsOf(wanted)
	metadata["namespace"], metadata["name"] = at.namespace, at.name
	metadata["uid"], metadata["creationTimestamp"] = fmt.Sprintf("00000000-0000-4000-8000-%012d", s.version), time.Now().UTC().Format(time.RFC3339)
	if was != nil {
		before := part(was, "metadata")
		for _, name := range []string{"uid", "creationTimestamp", "resourceVersion"} {
			metadata[name] = before[name]
		}
	} else {
		metadata["resourceVersion"] = strconv.Itoa(s.version)
	}
	metadata["managedFields"] = []any{owned(manager, "Apply", fields)}
	return wanted
}

// owned says which fields of an object a manager owns.
func owned(manager, operation string, fields map[string]any) map[string]any {
	return map[string]any{
		"manager": manager, "operation": operation, "apiVersion": "v1", "time": time.Now().UTC().Format(time.RFC3339),
		"fieldsType": "FieldsV1", "fieldsV1": fields,
	}
}

// fieldsOf are the fields of an object that an apply sets, as FieldsV1 writes them.
func fieldsOf(object map[string]any) map[string]any {
	fields := map[string]any{}
	for name, value := range object {
		switch within, ok := value.(map[string]any); {
		case slices.Contains([]string{"apiVersion", "kind", "name", "namespace", "uid", "resourceVersion"}, name):
		case ok:
			fields["f:"+name] = fieldsOf(within)
		default:
			fields["f:"+name] = map[string]any{}
		}
	}
	return fields
}

// editByHand changes a value of a ConfigMap as kubectl edit does, and returns when, and what
// makes it as it was before, with its owners.
func (s *simulated) editByHand(namespace, name, key, value string) (at time.Time, undo func() time.Time, err error) {
	where := place{"configmaps", namespace, name}
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.objects[where]
	if was == nil {
		return at, nil, fmt.Errorf("there is no ConfigMap %s/%s to edit", namespace, name)
	}
	now, err := copyOf(was)
	if err != nil {
		return at, nil, err
	}
	part(now, "data")[key] = value
	metadata := part(now, "metadata")
	entries, _ := metadata["managedFields"].([]any)
	owner, _ := entries[0].(map[string]any)
	delete(part(part(owner, "fieldsV1"), "f:data"), "f:"+key)
	metadata["managedFields"] = append(entries, owned("kubectl-edit", "Update", map[string]any{"f:data": map[string]any{"f:" + key: map[string]any{}}}))
	s.store(was, now, where)
	undo = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		if again, err := copyOf(was); err == nil { // as before
			s.store(s.objects[where], again, where)
		}
		return time.Now()
	}
	return time.Now(), undo, nil
}

func copyOf(object map[string]any) (copied map[string]any, err error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return copied, json.Unmarshal(text, &copied)
}
