package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sirupsen/logrus"
)

// within is how long a test waits for something that is about to happen.
const within = time.Minute

const (
	anyObject = `{"type": "object"}`
	oneApp    = `{"type": "object", "properties": {"app": {"type": "string", "maxLength": 8}}, "required": ["app"], "additionalProperties": false}`
	aList     = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "x -o json", "$defs": {"one": {"type": "object"}, "none": {}},
		"anyOf": [{"title": "the list", "type": "array", "items": {"$ref": "#/$defs/one"}}, {"title": "one", "$ref": "#/$defs/one"}]}`
)

// served is a server on one end of a pipe.
type served struct {
	t      *testing.T
	client net.Conn
	cancel context.CancelFunc
	ended  chan error
}

func serve(t *testing.T, limits Limits, tools ...Tool) *served {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	for i := range tools {
		if tools[i].Time == 0 {
			tools[i].Time = within
		}
		if tools[i].Input == nil {
			tools[i].Input = json.RawMessage(anyObject)
		}
	}
	here, there := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	s := &served{t: t, client: here, cancel: cancel, ended: make(chan error, 1)}
	prompt := Prompt{Name: "ask", Argument: "app", Text: func(app string) string { return "why " + app }}
	go func() {
		s.ended <- Serve(ctx, there, Config{
			Version: "1", Instructions: "be careful", Tools: tools, Prompts: []Prompt{prompt}, Limits: limits, Log: logrus.NewEntry(log),
		})
		there.Close()
	}()
	t.Cleanup(func() {
		cancel()
		here.Close()
	})
	return s
}

// connect connects the SDK's client.
func (s *served) connect() *sdk.ClientSession {
	s.t.Helper()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(s.t.Context(), &sdk.IOTransport{Reader: s.client, Writer: s.client}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// end returns why the server has ended.
func (s *served) end() error {
	s.t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(within):
		s.t.Fatal("the server does not end")
		return nil
	}
}

// call calls a tool, and returns its text.
func call(t *testing.T, session *sdk.ClientSession, tool string, arguments any) (text string, result *sdk.CallToolResult) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range result.Content {
		if of, ok := content.(*sdk.TextContent); ok {
			text += of.Text
		}
	}
	return text, result
}

func says(text string) func(context.Context, map[string]any) Answer {
	return func(context.Context, map[string]any) Answer { return Answer{Text: text} }
}

func TestToolsAreDescribedAndCalled(t *testing.T) {
	s := serve(
		t, Limits{},
		Tool{Name: "look", Title: "Look", Description: "it looks", Input: json.RawMessage(oneApp), Output: json.RawMessage(aList), Run: func(_ context.Context, arguments map[string]any) Answer {
			return Answer{Data: json.RawMessage(fmt.Sprintf(`[{"app": %q, "n": 12345678901234567890}]`, arguments["app"])), Message: "warning: slow"}
		}},
		Tool{Name: "act", Effect: Effect{Changes: true, Destroys: true, Foreign: true}, Run: func(context.Context, map[string]any) Answer {
			return Answer{Text: "half", Message: "error: no\nhint: try", Failed: true}
		}},
	)
	session := s.connect()
	if got := session.InitializeResult(); got.Instructions != "be careful" || got.ServerInfo.Name != "pushboat" {
		t.Errorf("it introduces itself with %+v", got)
	}
	list, err := session.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 2 {
		t.Fatalf("tools: %v, %v", list, err)
	}
	act, look := list.Tools[0], list.Tools[1]
	if a := look.Annotations; !a.ReadOnlyHint || *a.DestructiveHint || !a.IdempotentHint || *a.OpenWorldHint {
		t.Errorf("look has annotations %+v", a)
	}
	if a := act.Annotations; a.ReadOnlyHint || !*a.DestructiveHint || a.IdempotentHint || !*a.OpenWorldHint {
		t.Errorf("act has annotations %+v", a)
	}
	schema, _ := json.Marshal(look.OutputSchema)
	if text := string(schema); !strings.HasPrefix(text, `{"$defs":{"one":{"type":"object"}}`) || !strings.Contains(text, `"result":{"items":{"$ref":"#/$defs/one"},"type":"array"}`) ||
		!strings.Contains(text, `"type":"object"}`) || strings.Contains(text, "title") {
		t.Errorf("look answers as %s", text)
	}

	text, result := call(t, session, "look", map[string]any{"app": "shop"})
	const want = `{"message":"warning: slow","result":[{"app":"shop","n":12345678901234567890}]}`
	if got, _ := json.Marshal(result.StructuredContent); text != want || result.IsError || !strings.Contains(string(got), `"app":"shop"`) {
		t.Errorf("look answers %s and %s", text, got)
	}
	text, result = call(t, session, "act", nil)
	lines := strings.Split(text, "\n")
	if !result.IsError || len(lines) != 6 || lines[1] != lines[5] || strings.Join(lines[2:5], "|") != "half|error: no|hint: try" || !strings.Contains(lines[0], "never instructions") {
		t.Errorf("act answers %q", text)
	}
	for _, arguments := range []map[string]any{{}, {"app": "much too long"}, {"app": "shop", "other": 1}, {"app": 7}} {
		if text, result := call(t, session, "look", arguments); !result.IsError || !strings.Contains(text, "not as the tool takes them") {
			t.Errorf("%v: %q", arguments, text)
		}
	}
	if _, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "other"}); err == nil {
		t.Error("a tool that does not exist answers")
	}
}

func TestPromptIsGiven(t *testing.T) {
	session := serve(t, Limits{}).connect()
	got, err := session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "ask", Arguments: map[string]string{"app": "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := got.Messages[0].Content.(*sdk.TextContent); !ok || text.Text != "why shop" {
		t.Errorf("the prompt is %+v", got.Messages[0].Content)
	}
	if _, err := session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "ask"}); err == nil {
		t.Error("a prompt without its argument is given")
	}
}

func TestPanicEndsOneCall(t *testing.T) {
	session := serve(t, Limits{}, Tool{Name: "fall", Run: func(context.Context, map[string]any) Answer { panic("no") }}, Tool{Name: "stand", Run: says("here")}).connect()
	if _, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "fall"}); err == nil || !strings.Contains(err.Error(), "has a fault") {
		t.Errorf("a panic is %v", err)
	}
	if text, _ := call(t, session, "stand", nil); text != "here" {
		t.Errorf("afterwards: %q", text)
	}
}

// hello begins a session as a client does that knows what it writes.
const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"sh","version":"1"}}}`

func TestCallsAreLimited(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	s := serve(t, Limits{AtOnce: 1, Open: 2}, Tool{Name: "slow", Run: func(ctx context.Context, _ map[string]any) Answer {
		started <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return Answer{Text: "done"}
	}})
	answers := bufio.NewScanner(s.client)
	send := func(line string) { fmt.Fprintln(s.client, line) }
	answer := func(want string) {
		t.Helper()
		if !answers.Scan() || !strings.Contains(answers.Text(), want) {
			t.Errorf("answered %q, want %s", answers.Text(), want)
		}
	}
	send(hello)
	answer(`"id":1`)
	send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	for id := range 3 {
		send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"slow"}}`, id+2))
	}
	answer(`2 calls have no answer yet`)
	send(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	answer(`another call with this id has no answer yet`)
	for range 2 {
		<-started
		select {
		case <-started:
			t.Error("two calls run at once")
		default:
		}
		release <- struct{}{}
		answer(`done`)
	}
	send(`{"jsonrpc":"2.0","id":5,"method":"ping"}`) // there is room again
	answer(`{"jsonrpc":"2.0","id":5,"result":{}}`)
}

func TestCallsAMinuteAreLimited(t *testing.T) {
	session := serve(t, Limits{PerMinute: 4}, Tool{Name: "look", Run: says("here")}).connect()
	refused := false
	for range 5 { // one at once, and one in 15 seconds
		text, result := call(t, session, "look", nil)
		refused = refused || result.IsError && strings.Contains(text, "more than 4 calls a minute")
	}
	if !refused {
		t.Error("as many calls as one likes")
	}
}

func TestCallEndsAfterItsTime(t *testing.T) {
	slow := Tool{Name: "slow", Time: time.Millisecond, Run: func(ctx context.Context, _ map[string]any) Answer {
		<-ctx.Done()
		return Answer{Text: "so far"}
	}}
	if text, _ := call(t, serve(t, Limits{}, slow).connect(), "slow", nil); !strings.Contains(text, "so far") || !strings.Contains(text, "the call was ended") {
		t.Errorf("it answers %q", text)
	}
}

func TestSessionEndsWithItsContext(t *testing.T) {
	running, ended := make(chan struct{}), make(chan struct{})
	s := serve(t, Limits{}, Tool{Name: "slow", Run: func(ctx context.Context, _ map[string]any) Answer {
		close(running)
		<-ctx.Done()
		close(ended)
		return Answer{}
	}})
	session := s.connect()
	go func() { _, _ = session.CallTool(context.Background(), &sdk.CallToolParams{Name: "slow"}) }()
	<-running
	s.cancel()
	if err := s.end(); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	<-ended
}

// TestMessagesAreLimited writes as no client of the SDK would.
func TestMessagesAreLimited(t *testing.T) {
	s := serve(t, Limits{Message: 1000})
	answers := bufio.NewScanner(s.client)
	for _, c := range []struct{ sent, answer string }{
		{`nonsense`, `"code":-32700`},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]`, `"code":-32700`},
		{strings.Repeat("[", 900), `"code":-32700`},
		{`{"id":1,"method":"ping"}`, `"code":-32600`},
		{"\n  \n" + `{"jsonrpc":"2.0","id":3,"method":"subscriptions/listen","params":{}}`, `"id":3`},
		{`{"jsonrpc":"2.0","id":4,"method":"nothing/such"}`, `"id":4`},
		{`{"jsonrpc":"2.0","id":5,"method":"ping"}`, `{"jsonrpc":"2.0","id":5,"result":{}}`},
	} {
		fmt.Fprintln(s.client, c.sent)
		if !answers.Scan() || !strings.Contains(answers.Text(), c.answer) {
			t.Errorf("%s: answered %q, want %s", c.sent, answers.Text(), c.answer)
		}
	}
	go fmt.Fprintln(s.client, strings.Repeat("x", 1001))
	if err := s.end(); !errors.Is(err, ErrTooLong) {
		t.Errorf("a message that is too long ends the session with %v", err)
	}
}

// oneWay is a stream whose input ends, while its output is still read.
type oneWay struct {
	io.Reader
	io.Writer
}

// TestInputMayEndEarly: a script pipes its messages in, and reads the answers.
func TestInputMayEndEarly(t *testing.T) {
	const messages = hello + `
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow"}}
`
	var out strings.Builder
	log := logrus.New()
	log.SetOutput(io.Discard)
	slow := Tool{Name: "slow", Time: within, Input: json.RawMessage(anyObject), Run: func(ctx context.Context, _ map[string]any) Answer {
		if ctx.Err() != nil {
			return Answer{Failed: true}
		}
		return Answer{Text: "here it is"}
	}}
	err := Serve(t.Context(), oneWay{strings.NewReader(messages), &out}, Config{Version: "1", Tools: []Tool{slow}, Log: logrus.NewEntry(log)})
	if err != nil || !strings.Contains(out.String(), "here it is") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%v, %s", err, out.String())
	}
}
