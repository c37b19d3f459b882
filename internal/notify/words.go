package notify

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
)

// words are a message for people.
type words struct {
	title string // one line
	text  string // more; may be ""
}

// Limits of words.
const (
	maxItems  = 20      // news that a text names
	maxText   = 3500    // bytes: Telegram takes 4,096
	maxOutput = 8 << 10 // bytes of a template's output
)

// item is a piece of news, for a template.
type item struct {
	Event, Severity                                                     string
	Over                                                                bool
	App, Repository, Branch, Cluster, Deploy, Revision, Operator, Cause string
	Title, Detail, Next, Page, Time                                     string
}

// data is what a template sees: the first piece of news, and all of them.
type data struct {
	item
	Items []item
	More  int
}

// wordsOf writes a message. fill puts the server's address in the place of HOST.
func wordsOf(m *Message, n *rules.Notifications, fill func(string) string) words {
	groups := groupsOf(m.News)
	var sections []words
	for _, group := range groups {
		sections = append(sections, section(group, m.More, n, fill))
	}
	w := sections[0]
	if len(sections) > 1 {
		w.title = fmt.Sprintf("%d notifications", len(m.News)+m.More)
		var texts []string
		for _, s := range sections {
			texts = append(texts, strings.TrimSpace(s.title+"\n"+s.text))
		}
		w.text = strings.Join(texts, "\n\n")
	}
	if m.Test {
		w.title = "[test] " + w.title
	}
	w.title, w.text = bound(manifest.OneLine(w.title), maxTitle), bound(manifest.CleanLines(w.text), maxText)
	return w
}

func bound(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}

// groupsOf puts news together that one sentence can say.
func groupsOf(news []News) (groups [][]News) {
	at := map[string]int{}
	for _, n := range news {
		i, known := at[n.group()]
		if !known {
			i = len(groups)
			at[n.group()] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], n)
	}
	return groups
}

// section writes news of one group, by the rules' template for the topic or by the server's own
// words. A template that fails gives way.
func section(news []News, more int, n *rules.Notifications, fill func(string) string) words {
	if own := n.Template(news[0].Topic); own != nil {
		if text, err := render(own.Text, dataOf(news, more, fill)); err == nil && strings.TrimSpace(text) != "" {
			title, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
			return words{title, strings.TrimSpace(rest)}
		}
	}
	if len(news) == 1 {
		return one(&news[0], fill)
	}
	return several(news, more, fill)
}

// one is the text of one piece of news.
func one(n *News, fill func(string) string) words {
	var lines []string
	if n.Detail != "" {
		lines = append(lines, n.Detail)
	}
	if about := about(n); about != "" {
		lines = append(lines, about)
	}
	if n.Page != "" {
		lines = append(lines, "see it in full: "+n.Page)
	}
	if n.Next != "" {
		lines = append(lines, "next: "+fill(n.Next))
	}
	return words{n.Title, strings.Join(lines, "\n")}
}

// about says where news are from.
func about(n *News) string {
	var parts []string
	for _, part := range []struct{ word, value string }{
		{"revision", shortRevision(n.Revision)}, {"by", n.Operator}, {"cause", n.Cause}, {"repository", n.Repo}, {"branch", n.Branch}, {"cluster", n.Cluster},
	} {
		if part.value != "" {
			parts = append(parts, part.word+" "+part.value)
		}
	}
	return strings.Join(parts, ", ")
}

func shortRevision(revision string) string { return revision[:min(len(revision), 7)] }

// topicWords say what has happened to several.
var topicWords = map[rules.Topic]string{
	rules.DeploySucceeded: "deployed", rules.DeployFailed: "failed to deploy", rules.DeployHeld: "held, not deployed yet", rules.PushRefused: "refused",
	rules.AppFailing: "not healthy", rules.DriftFound: "drifted, and not corrected", rules.DriftFight: "changed again after each correction",
	rules.ClusterAway: "do not answer", rules.BackupFailed: "without a backup", rules.MirrorAway: "do not answer", rules.KeyExpiring: "expire soon", rules.GrantHolds: "held by grants",
}

var topicNouns = map[rules.Topic]string{rules.PushRefused: "pushes", rules.ClusterAway: "clusters", rules.MirrorAway: "mirrors", rules.KeyExpiring: "keys"}

var severalOver = map[rules.Topic]string{rules.ClusterAway: "answer again", rules.MirrorAway: "answer again"}

// several is the text of news of one group.
func several(news []News, more int, fill func(string) string) words {
	first := &news[0]
	noun, what := orText(topicNouns[first.Topic], "apps"), topicWords[first.Topic]
	if first.Ended {
		what = orText(severalOver[first.Topic], overWords[first.Topic])
	}
	w := words{title: fmt.Sprintf("%d %s: %s", len(news)+more, noun, what)}
	if first.Group != "" {
		w.title += ", by the push of " + first.Operator
	}
	var lines []string
	for i := range news {
		if i == maxItems {
			lines = append(lines, fmt.Sprintf("and %d more", len(news)+more-i))
			break
		}
		lines = append(lines, strings.TrimSpace(news[i].Title+" "+news[i].Page))
	}
	if first.Group != "" {
		lines = append(lines, about(&News{Revision: first.Revision, Operator: first.Operator, Repo: first.Repo, Branch: first.Branch}))
	}
	if first.App != "" && !first.Ended {
		lines = append(lines, "next: "+fill("ssh HOST status"))
	} else if first.Next != "" {
		lines = append(lines, "next: "+fill(first.Next))
	}
	w.text = strings.Join(lines, "\n")
	return w
}

func dataOf(news []News, more int, fill func(string) string) data {
	d := data{More: more}
	for i := range news {
		n := &news[i]
		d.Items = append(d.Items, item{
			Event: string(n.Topic), Severity: n.Topic.Severity().String(), Over: n.Ended, App: n.App, Repository: n.Repo, Branch: n.Branch,
			Cluster: n.Cluster, Deploy: n.Deploy, Revision: n.Revision, Operator: n.Operator, Cause: n.Cause, Title: n.Title, Detail: n.Detail,
			Next: fill(n.Next), Page: n.Page, Time: n.Time.UTC().Format("2006-01-02 15:04 UTC"),
		})
	}
	d.item = d.Items[0]
	return d
}

// render writes a template's text. What a template may say is so little that its length, and
// that of the news, bound the time that it takes.
func render(text string, d data) (string, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return "", err
	}
	out := &limited{most: maxOutput}
	if err := t.Execute(out, d); err != nil && !errors.Is(err, errTooMuch) {
		return "", err
	}
	return out.String(), nil
}

var errTooMuch = errors.New("the text is too long")

// limited is a text with a limit.
type limited struct {
	strings.Builder
	most int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.most {
		_, _ = l.Builder.Write(p[:l.most-l.Len()])
		return 0, errTooMuch
	}
	return l.Builder.Write(p)
}

// functions are those that a template may call, beside comparisons.
var functions = template.FuncMap{
	"short": shortRevision,
	"upper": strings.ToUpper,
	"lower": strings.ToLower,
}

var allowed = map[string]bool{"short": true, "upper": true, "lower": true, "and": true, "or": true, "not": true, "eq": true, "ne": true, "len": true}

// CheckTemplate says what is wrong with a text that takes the place of the server's own. It is
// tried with news that have every field.
func CheckTemplate(text string) error {
	_, err := render(text, dataOf([]News{sample(rules.DeployFailed), sample(rules.DeployFailed)}, 1, func(text string) string { return text }))
	if err != nil {
		return errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "template: "), "text:", "line "))
	}
	return nil
}

func parseTemplate(text string) (*template.Template, error) {
	t, err := template.New("text").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	if len(t.Templates()) > 1 {
		return nil, errors.New("it defines a template: write the text once")
	}
	if t.Tree == nil || parse.IsEmptyTree(t.Root) {
		return nil, errors.New("it is empty")
	}
	return t, vet(t.Root, false)
}

// vet refuses what could take long: loops over anything but the items, loops in loops, and
// functions beside the few.
func vet(n parse.Node, looping bool) error {
	switch of := n.(type) {
	case *parse.ListNode:
		if of == nil {
			return nil
		}
		for _, each := range of.Nodes {
			if err := vet(each, looping); err != nil {
				return err
			}
		}
	case *parse.ActionNode:
		return vetPipe(of.Pipe)
	case *parse.IfNode:
		return errors.Join(vetPipe(of.Pipe), vet(of.List, looping), vet(of.ElseList, looping))
	case *parse.WithNode:
		return errors.Join(vetPipe(of.Pipe), vet(of.List, looping), vet(of.ElseList, looping))
	case *parse.RangeNode:
		if looping || of.Pipe.String() != ".Items" {
			return errors.New("it has a loop over something else than .Items, or one in another")
		}
		return errors.Join(vet(of.List, true), vet(of.ElseList, true))
	case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
	default:
		return fmt.Errorf("it has %s, which is not allowed here", n)
	}
	return nil
}

func vetPipe(pipe *parse.PipeNode) error {
	for _, command := range pipe.Cmds {
		for _, argument := range command.Args {
			switch of := argument.(type) {
			case *parse.IdentifierNode:
				if !allowed[of.Ident] {
					return fmt.Errorf("it calls %s; there are short, upper, lower, and, or, not, eq, ne and len", of.Ident)
				}
			case *parse.PipeNode:
				if err := vetPipe(of); err != nil {
					return err
				}
			case *parse.FieldNode, *parse.StringNode, *parse.NumberNode, *parse.BoolNode, *parse.DotNode, *parse.VariableNode:
			default:
				return fmt.Errorf("it has %s, which is not allowed here", argument)
			}
		}
	}
	return nil
}
