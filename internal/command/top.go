package command

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/top"
)

const topHelp = "What is wrong comes first, with the reason; it moves as things happen. Enter\n" +
	"opens an app: its objects down to pods, their output, its deploys. Sync and\n" +
	"rollback ask first, with the plan, and are the verbs, with your rights.\n" +
	"? shows the keys, / filters, q ends. It needs a terminal: ssh -t HOST top.\n" +
	"Without one, status --watch prints a line for each change.\n" +
	"Example: ssh -t HOST top"

// Screen is a session at a terminal, of which a verb draws all and reads the keys.
type Screen interface {
	Session
	// Term names the terminal, as TERM does.
	Term() string
	// Resized has a value when Size is another than at the last look.
	Resized() <-chan struct{}
	// Keys returns what is typed from now on, up to a number of bytes, until it is closed.
	Keys(most int) io.ReadCloser
	// Restore has a text written before anybody but the verb ends the session; "" for none.
	Restore(text string)
}

// showTop shows the apps on the caller's screen until they end it.
func showTop(ctx context.Context, c *call) error {
	screen, err := c.screen()
	if err != nil {
		return err
	}
	screen.Restore(top.Restore)
	defer screen.Restore("")
	news, stop := c.Engine.Listen()
	defer stop()
	look := top.Look{Fill: c.Fill}
	if c.colour {
		look.Colour, look.Line = colourOf, paintLine
	}
	err = top.Run(ctx, look, top.Screen{
		Out: screen, Keys: screen.Keys(top.MaxKeys), Term: screen.Term(), Size: screen.Size, Resized: screen.Resized(), Moved: news,
		Fault: func(cause any, stack []byte) {
			c.Log.WithField("stack", string(stack)).Errorf("top: panic: %v", cause)
		},
	}, &topSource{call: c})
	select {
	case <-c.Gone():
		return nil
	case <-c.Leaving:
		return report.WithHint(errors.New("the server stops"), "come back in a moment: ssh -t HOST top")
	default:
	}
	return err
}

// screen returns the caller's session as a screen that can be drawn.
func (c *call) screen() (Screen, error) {
	session := c.Session
	if to, ok := session.(addressed); ok {
		session = to.Session // control sequences have no HOST to fill in
	}
	screen, ok := session.(Screen)
	if !ok || !c.Terminal() {
		return nil, report.WithHint(errors.New("top draws on a terminal, and this session has none"),
			"ask ssh for one: ssh -t HOST top\nor have a line for each change: ssh HOST status --watch")
	}
	if term := screen.Term(); term == "" || strings.HasPrefix(term, "dumb") {
		return nil, report.WithHint(errors.New("top draws all over the terminal, which a dumb one cannot do"),
			"set TERM to what yours is: TERM=xterm ssh -t HOST top\nor have a line for each change: ssh HOST status --watch")
	}
	return screen, nil
}
