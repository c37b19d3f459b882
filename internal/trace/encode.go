package trace

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// The messages of OTLP in JSON, as far as they are needed here; see
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
type (
	exported struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []spanJSON `json:"spans"`
	}
	scope struct {
		Name string `json:"name"`
	}
	spanJSON struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		ParentID   string     `json:"parentSpanId,omitempty"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes,omitempty"`
		Status     status     `json:"status"`
	}
	status struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	keyValue struct {
		Key   string   `json:"key"`
		Value anyValue `json:"value"`
	}
	anyValue struct {
		String string `json:"stringValue"`
	}
)

// The codes of status.
const (
	statusOK    = 1
	statusError = 2
)

func encode(about map[string]string, batch []*Span) ([]byte, error) {
	var who resource
	for _, key := range slices.Sorted(maps.Keys(about)) {
		who.Attributes = append(who.Attributes, keyValue{key, anyValue{about[key]}})
	}
	spans := make([]spanJSON, len(batch))
	for i, s := range batch {
		spans[i] = s.encoded()
	}
	return json.Marshal(exported{[]resourceSpans{{who, []scopeSpans{{scope{"pushboat"}, spans}}}}})
}

func (s *Span) encoded() spanJSON {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := spanJSON{
		TraceID: hex.EncodeToString(s.trace[:]), SpanID: hex.EncodeToString(s.id[:]), Name: s.name, Kind: s.kind,
		Start: strconv.FormatInt(s.start.UnixNano(), 10), End: strconv.FormatInt(s.end.UnixNano(), 10), Status: status{Code: statusOK},
	}
	if s.parent != [8]byte{} {
		made.ParentID = hex.EncodeToString(s.parent[:])
	}
	if s.failure != "" {
		made.Status = status{statusError, s.failure}
	}
	for _, a := range s.attributes {
		made.Attributes = append(made.Attributes, keyValue{a.key, anyValue{a.value}})
	}
	return made
}
