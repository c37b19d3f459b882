// Package mcp is the door for assistants: it serves the Model Context Protocol on one
// stream, such as an ssh session. It knows the protocol and its limits. What the tools do is
// their maker's; what they answer is cleaned, bounded, and marked as data.
package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"
)

// Tool is something that an assistant may call.
type Tool struct {
	Name        string // letters, digits and _
	Title       string // for people
	Description string
	Input       json.RawMessage // the JSON schema of its arguments: an object
	// Output is the JSON schema of Answer.Data; nil: it answers in text.
	Output json.RawMessage
	Effect Effect
	// Time bounds a call.
	Time time.Duration
	// KeepEnd says that of a text, or of lists, that are too long, the end is worth more
	// than the beginning.
	KeepEnd bool
	// First chooses the entries of a list that is too long, as Answer.Data, that are worth
	// most; nil: all are worth the same.
	First func(entry map[string]any) bool
	// Run calls it. The arguments are as Input says.
	Run func(ctx context.Context, arguments map[string]any) Answer
}

// Effect is what a call may do, as clients are told to decide whom they ask before.
type Effect struct {
	Changes    bool // anything at all
	Destroys   bool // it may take away, or overwrite, what is there
	Idempotent bool // a second call changes nothing more
	// Foreign says that the answer may have text from clusters and repositories, which
	// anybody may have written.
	Foreign bool
}

// Answer is what a call has found.
type Answer struct {
	Data    json.RawMessage // if it is not nil, as Tool.Output says
	Text    string          // else
	Message string          // errors, warnings and hints beside it
	Failed  bool            // nothing was found or done
}

// Prompt is a text that a person may begin a conversation with.
type Prompt struct {
	Name, Description string
	Argument          string // its only one, which is required
	About             string // what the argument is
	// Text is the prompt for an argument.
	Text func(argument string) string
}

// Limits bound what a client may ask for. The zero value of each is its default.
type Limits struct {
	Message int // bytes of one message; 256 KiB
	Answer  int // bytes of one answer; 64 KiB
	AtOnce  int // calls that run; 4
	Open    int // calls without an answer yet; 32
	// PerMinute is the number of calls; 120. A quarter of them may come at once.
	PerMinute int
}

// The defaults of Limits. An answer of 64 KiB is about as much as clients let into a
// conversation (16,000 to 25,000 tokens).
const (
	maxMessage   = 256 << 10
	maxAnswer    = 64 << 10
	maxAtOnce    = 4
	maxOpen      = 32
	maxPerMinute = 120
)

func (l Limits) withDefaults() Limits {
	for _, limit := range []struct {
		field *int
		usual int
	}{{&l.Message, maxMessage}, {&l.Answer, maxAnswer}, {&l.AtOnce, maxAtOnce}, {&l.Open, maxOpen}, {&l.PerMinute, maxPerMinute}} {
		if *limit.field == 0 {
			*limit.field = limit.usual
		}
	}
	return l
}

// Config is what is served.
type Config struct {
	Version string // of Pushboat
	// Instructions tell an assistant what the tools are about.
	Instructions string
	Tools        []Tool
	Prompts      []Prompt
	Limits       Limits
	Log          *logrus.Entry
}

// ErrTooLong says that a client has sent a message beyond the limit.
var ErrTooLong = errors.New("a message is too long")

// Serve serves one client until it has closed its input and has all answers, or the context
// ends. An error says why it was cut off.
func Serve(ctx context.Context, stream io.ReadWriter, config Config) error {
	config.Limits = config.Limits.withDefaults()
	server := sdk.NewServer(&sdk.Implementation{Name: "pushboat", Title: "Pushboat", Version: config.Version}, &sdk.ServerOptions{
		Instructions: config.Instructions,
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}, Prompts: &sdk.PromptCapabilities{}},
	})
	server.AddReceivingMiddleware(contained(config.Log))
	calls := newCalls(config)
	for _, tool := range config.Tools {
		if err := calls.add(server, tool); err != nil {
			return fmt.Errorf("tool %s: %w", tool.Name, err)
		}
	}
	for _, prompt := range config.Prompts {
		addPrompt(server, prompt)
	}
	lines := newLines(stream, config.Limits)
	defer lines.Close()
	defer context.AfterFunc(ctx, lines.end)()
	session, err := server.Connect(ctx, lines, nil)
	if err != nil {
		return err
	}
	if err := session.Wait(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return context.Cause(ctx)
}

// contained has a fault in one request end that request, and nothing else.
func contained(log *logrus.Entry) sdk.Middleware {
	return func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, request sdk.Request) (result sdk.Result, err error) {
			defer func() {
				if cause := recover(); cause != nil {
					log.Errorf("mcp: panic in %s: %v", method, cause)
					result, err = nil, errors.New("the server has a fault; its log says more")
				}
			}()
			return next(ctx, method, request)
		}
	}
}

func addPrompt(server *sdk.Server, prompt Prompt) {
	described := &sdk.Prompt{
		Name: prompt.Name, Description: prompt.Description,
		Arguments: []*sdk.PromptArgument{{Name: prompt.Argument, Description: prompt.About, Required: true}},
	}
	server.AddPrompt(described, func(_ context.Context, request *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
		argument := request.Params.Arguments[prompt.Argument]
		if argument == "" {
			return nil, fmt.Errorf("the prompt %s needs %s", prompt.Name, prompt.Argument)
		}
		return &sdk.GetPromptResult{
			Description: prompt.Description,
			Messages:    []*sdk.PromptMessage{{Role: "user", Content: &sdk.TextContent{Text: prompt.Text(argument)}}},
		}, nil
	})
}

// pace lets through what a limit for each minute allows, a quarter of it at once.
func pace(perMinute int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(perMinute)/60), max(perMinute/4, 1))
}
