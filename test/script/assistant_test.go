package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/rogpeppe/go-internal/testscript"
)

const assistantUsage = "assistant OPERATOR[+write] tools | call TOOL [ARGUMENTS] | prompt NAME ARGUMENT=VALUE | ended"

// assistant is a client of ssh HOST mcp, whose session stays open.
type assistant struct {
	*mcp.ClientSession
	tools  map[string]*mcp.Tool
	stderr bytes.Buffer // to be read when the session has ended
}

// cmdAssistant uses the tools of an assistant, which logs in with an operator's key. Each
// structured answer has to be as its tool's schema says. ! wants a call to fail; stderr has
// the reason.
func cmdAssistant(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	if len(args) < 2 {
		ts.Fatalf("usage: %s", assistantUsage)
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitWithin)
	defer cancel()
	a, err := s.assistant(ctx, ts, args[0])
	ts.Check(err)
	var text string
	switch verb, rest := args[1], args[2:]; {
	case verb == "tools" && len(rest) == 0:
		text = a.list()
	case verb == "call" && (len(rest) == 1 || len(rest) == 2):
		text, err = a.call(ctx, rest)
	case verb == "prompt" && len(rest) == 2:
		text, err = a.prompt(ctx, rest[0], rest[1])
	case verb == "ended" && len(rest) == 0:
		text, err = a.ended(ctx)
		delete(s.assistants, args[0])
	default:
		ts.Fatalf("usage: %s", assistantUsage)
	}
	fmt.Fprint(ts.Stdout(), text)
	switch {
	case neg && err == nil:
		ts.Fatalf("unexpected success")
	case neg:
		fmt.Fprintln(ts.Stderr(), err)
	default:
		ts.Check(err)
	}
}

// assistant is the one of a name, with an operator's key.
func (s *stage) assistant(ctx context.Context, ts *testscript.TestScript, name string) (*assistant, error) {
	if a := s.assistants[name]; a != nil {
		return a, nil
	}
	operator, write := strings.CutSuffix(name, "+write")
	words := []string{"-F", s.Path("ssh", operator), "pushboat", "mcp"}
	if write {
		words = append(words, "--write")
	}
	a := &assistant{tools: map[string]*mcp.Tool{}}
	ssh := exec.Command("ssh", words...)
	ssh.Env = append(s.environment(), "LC_ALL=C")
	ssh.Stderr = &a.stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "script", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: ssh}, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, &a.stderr)
	}
	a.ClientSession = session
	ts.Defer(func() { _ = session.Close() }) // whatever has become of it
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		a.tools[tool.Name] = tool
	}
	if s.assistants == nil {
		s.assistants = map[string]*assistant{}
	}
	s.assistants[name] = a
	return a, nil
}

// list is a line for each tool: its name, and what it may do.
func (a *assistant) list() string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a.tools)) {
		tool, effect := a.tools[name], "looks"
		if of := tool.Annotations; !of.ReadOnlyHint {
			effect = "changes"
			if *of.DestructiveHint {
				effect = "destroys"
			}
		}
		fmt.Fprintf(&lines, "%s %s\n", name, effect)
	}
	return lines.String()
}

// call calls a tool with arguments in JSON, and returns its answer.
func (a *assistant) call(ctx context.Context, args []string) (string, error) {
	var arguments json.RawMessage
	if len(args) == 2 {
		arguments = json.RawMessage(args[1])
	}
	result, err := a.CallTool(ctx, &mcp.CallToolParams{Name: args[0], Arguments: arguments})
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, content := range result.Content {
		if of, ok := content.(*mcp.TextContent); ok {
			text.WriteString(of.Text + "\n")
		}
	}
	if result.IsError {
		return "", errors.New(text.String())
	}
	return text.String(), asPromised(a.tools[args[0]], result)
}

// asPromised compares a structured answer with the schema of its tool.
func asPromised(tool *mcp.Tool, result *mcp.CallToolResult) error {
	if (tool.OutputSchema == nil) != (result.StructuredContent == nil) {
		return fmt.Errorf("%s answers with %v, and its schema is %v", tool.Name, result.StructuredContent, tool.OutputSchema)
	}
	if tool.OutputSchema == nil {
		return nil
	}
	text, err := json.Marshal(tool.OutputSchema)
	if err != nil {
		return err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		return err
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return err
	}
	if err := resolved.Validate(result.StructuredContent); err != nil {
		return fmt.Errorf("the answer of %s is not as its schema says: %w", tool.Name, err)
	}
	return nil
}

// ended waits until the server has ended the session, and returns what it said.
func (a *assistant) ended(ctx context.Context) (string, error) {
	over := make(chan error, 1)
	go func() { over <- a.Wait() }()
	select {
	case <-over:
	case <-ctx.Done():
		return "", errors.New("the session goes on")
	}
	_ = a.Close() // it waits for ssh, whose status says nothing more
	return a.stderr.String(), nil
}

// prompt gets a prompt.
func (a *assistant) prompt(ctx context.Context, name, argument string) (string, error) {
	key, value, _ := strings.Cut(argument, "=")
	result, err := a.GetPrompt(ctx, &mcp.GetPromptParams{Name: name, Arguments: map[string]string{key: value}})
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, message := range result.Messages {
		if of, ok := message.Content.(*mcp.TextContent); ok {
			text.WriteString(of.Text + "\n")
		}
	}
	return text.String(), nil
}
