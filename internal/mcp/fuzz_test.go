package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// FuzzClient sends what no client would: the server answers each line with JSON or not at
// all, and ends with its input.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		hello, hello + "\n" + `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`,
		hello + "\n" + `{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n" + `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"look","arguments":{"app":"shop"}}}`,
		hello + "\n" + `{"jsonrpc":"2.0","id":2,"method":"prompts/get","params":{"name":"ask","arguments":{"app":"x"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		hello + "\n" + `{"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"debug"}}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"completion/complete","params":null}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1.5}}` + "\n" + `{"jsonrpc":"2.0","id":7,"result":{}}`,
		"[[[[", "null", `{"jsonrpc":"2.0","id":{},"method":1}`,
	} {
		f.Add([]byte(seed))
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	tool := Tool{Name: "look", Time: time.Minute, Input: json.RawMessage(oneApp), Output: json.RawMessage(aList), Run: func(context.Context, map[string]any) Answer {
		return Answer{Data: json.RawMessage(`[]`)}
	}}
	prompt := Prompt{Name: "ask", Argument: "app", Text: func(app string) string { return app }}
	f.Fuzz(func(t *testing.T, input []byte) {
		if bytes.Count(input, []byte("\n")) > messagesPerSecond {
			return // it would take seconds
		}
		var out strings.Builder
		config := Config{Version: "1", Tools: []Tool{tool}, Prompts: []Prompt{prompt}, Limits: Limits{Message: 4096}, Log: logrus.NewEntry(log)}
		_ = Serve(t.Context(), oneWay{bytes.NewReader(input), &out}, config) // an error says that a line is too long
		for line := range strings.Lines(out.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("answered %q", line)
			}
		}
	})
}
