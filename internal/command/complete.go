package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

const completeHelp = "It is for the scripts that completion prints: the WORDs are those before the\n" +
	"cursor, and each line is a word that may come next: verbs, flags, and the\n" +
	"names of apps, deploys, objects and repositories that you can see.\n" +
	"Example: complete logs shop"

// maxCandidates bounds one answer: nobody reads more.
const maxCandidates = 1000

// complete prints the words that may come next. It asks nothing of a cluster, since a shell
// waits for it.
func complete(_ context.Context, c *call) error {
	words, tokens := expected(c.args)
	for _, token := range tokens {
		words = append(words, c.named(token)...)
	}
	slices.Sort(words)
	words = slices.Compact(words)
	for _, word := range words[:min(len(words), maxCandidates)] {
		fmt.Fprintln(c, word)
	}
	return nil
}

// expected returns the fixed words that may come after some words, and the placeholders of
// the table for names that may: APP, DEPLOY and the like.
func expected(before []string) (words, tokens []string) {
	v, rest := find(before)
	if v == nil || v.words == "" {
		return verbsAfter(before), nil
	}
	flags := v.flagSet()
	flags.String("color", "auto", "")
	flags.Lookup("color").NoOptDefVal = "always"
	args, awaits := argsOf(rest, flags)
	switch {
	case awaits != nil && awaits.Name == "output":
		return []string{"json", "text"}, nil
	case awaits != nil:
		return nil, nil
	}
	words = append(flagWords(flags), verbsAfter(before)...) // backup, and backup now
	for _, form := range append([]form{{args: v.args}}, v.also...) {
		if token := tokenAt(form.args, args); token != "" {
			tokens = append(tokens, token)
		}
	}
	return words, tokens
}

// verbsAfter lists the next word of the verbs that begin with some words.
func verbsAfter(before []string) []string {
	var words []string
	for _, v := range verbs() {
		parts := strings.Fields(v.words)
		if len(parts) > len(before) && slices.Equal(parts[:len(before)], before) {
			words = append(words, parts[len(before)])
		}
	}
	return words
}

// argsOf leaves the flags out of words, with their values. awaits is the flag whose value
// comes next; nil for none.
func argsOf(words []string, flags *pflag.FlagSet) (args []string, awaits *pflag.Flag) {
	for _, word := range words {
		if awaits != nil {
			awaits = nil
			continue
		}
		if !strings.HasPrefix(word, "-") || word == "-" {
			args = append(args, word)
			continue
		}
		if long, ok := strings.CutPrefix(word, "--"); ok {
			awaits = flags.Lookup(long) // nil if its value is in the word
		} else if len(word) == 2 {
			awaits = flags.ShorthandLookup(word[1:])
		}
		if awaits != nil && awaits.NoOptDefVal != "" { // it takes no value, or needs none
			awaits = nil
		}
	}
	return args, awaits
}

// flagWords lists flags as they are written.
func flagWords(flags *pflag.FlagSet) []string {
	var words []string
	flags.VisitAll(func(f *pflag.Flag) {
		words = append(words, "--"+f.Name)
		if f.Shorthand != "" {
			words = append(words, "-"+f.Shorthand)
		}
	})
	return words
}

// tokenAt returns the placeholder that comes after some arguments in a form of a verb, such as
// APP; "" for none.
func tokenAt(form string, args []string) string {
	places := strings.Fields(form)
	at := len(args)
	if at >= len(places) {
		if len(places) == 0 || !strings.Contains(places[len(places)-1], "...") {
			return ""
		}
		at = len(places) - 1
	}
	token := strings.TrimSuffix(strings.Trim(places[at], "[]"), "...")
	if strings.HasPrefix(token, "--") {
		return "" // a form with a flag
	}
	return token
}

// named lists the names that a placeholder stands for, as far as the caller may see them.
func (c *call) named(token string) []string {
	switch token {
	case "APP":
		return c.appNames()
	case "NAME", "REPO", "REPOSITORY":
		return c.repoNames()
	case "DEPLOY":
		return c.deployNames()
	case "OBJECT":
		return c.objectNames()
	case "VERB":
		return verbsAfter(nil)
	case "FILE":
		return rules.Files
	case "SHELL":
		return shells
	case "WHO":
		return []string{c.Caller().Operator}
	}
	return nil
}

func (c *call) appNames() []string {
	var names []string
	for _, s := range c.visible() {
		names = append(names, string(s.App))
	}
	return names
}

// deployNames lists the newest deploy of each app.
func (c *call) deployNames() []string {
	var names []string
	for _, s := range c.visible() {
		if s.Running != "" {
			names = append(names, s.Running)
		}
		if s.Last != nil {
			names = append(names, s.Last.ID())
		}
	}
	return names
}

func (c *call) repoNames() []string {
	repos, err := c.Repos.List()
	if err != nil {
		return nil // a completion has nobody to tell
	}
	var names []string
	for _, repo := range repos {
		if c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: repo}) {
			names = append(names, string(repo))
		}
	}
	return names
}

// objectNames lists the objects of the app that the call's words name.
func (c *call) objectNames() []string {
	for _, word := range c.args {
		app, err := name.ParseApp(word)
		if err != nil {
			continue
		}
		if _, ok := c.seen(app); !ok {
			continue
		}
		var ids []manifest.ID
		for _, node := range c.Engine.Overview(app) {
			ids = append(ids, node.ID)
		}
		return namesOf(ids)
	}
	return nil
}

// namesOf names objects as verbs accept them: deployment/web, with the namespace where
// several have that name.
func namesOf(ids []manifest.ID) []string {
	short := func(id manifest.ID) string { return strings.ToLower(id.Kind) + "/" + id.Name }
	count := map[string]int{}
	for _, id := range ids {
		count[short(id)]++
	}
	var names []string
	for _, id := range ids {
		if count[short(id)] == 1 {
			names = append(names, short(id))
		} else {
			names = append(names, strings.ToLower(id.Kind)+"/"+id.Namespace+"/"+id.Name)
		}
	}
	return names
}
