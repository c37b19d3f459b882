package jq

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// parser reads tokens. The first refusal ends the reading: from then on, the parser is at the
// end.
type parser struct {
	tokens []token
	depth  int
	err    *Refusal
}

// parse reads an expression.
func parse(expression string) (node, *Refusal) {
	tokens, err := lex(expression)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	root := p.pipe()
	if t := p.peek(); p.err == nil && t.kind != isEnd {
		p.refuse(t)
	}
	return root, p.err
}

func (p *parser) peek() token { return p.tokens[0] }

// take takes the next token.
func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != isEnd {
		p.tokens = p.tokens[1:]
	}
	return t
}

// takes takes the next token if it is one of some marks or keywords.
func (p *parser) takes(texts ...string) (string, bool) {
	if !p.peek().is(texts...) {
		return "", false
	}
	return p.take().text, true
}

// must takes a mark or keyword that has to come.
func (p *parser) must(text string) {
	if _, ok := p.takes(text); !ok {
		p.fail(unread("%s is where %s belongs", p.peek().say(), text))
	}
}

// fail ends the reading, and returns a node that leads nowhere.
func (p *parser) fail(r *Refusal) node {
	if p.err == nil {
		p.err = r
	}
	p.tokens = p.tokens[len(p.tokens)-1:]
	return empty{}
}

// instead are what can be written in place of parts of jq that are not read.
var instead = map[string]string{
	"as":      "write the value where it is used",
	"reduce":  "choose elements with .[] | select(CONDITION)",
	"foreach": "choose elements with .[] | select(CONDITION)",
	"def":     "write what the function does where it is used",
	"label":   "", "import": "", "include": "", "catch": "leave catch out", "__loc__": "",
	"=": "compare with ==", "|=": "the expression names fields, and changes none", "+=": "the expression names fields, and changes none",
	"+": "write the value out", "-": "write the value out", "*": "write [] for all elements of a list", "/": "write the value out", "%": "write the value out",
	"$": "write the value out", "@": "write the value out", "{": "", ":": "write an expression for each place in the list, or .[] for all",
}

// refuse ends the reading at a token that is not read, or does not belong there.
func (p *parser) refuse(t token) node {
	if t.kind == isMark || t.kind == isWord {
		if hint, known := instead[t.text]; known {
			return p.fail(unread("%s is not among what Pushboat reads of jq", t.text).hinted(hint))
		}
	}
	return p.fail(unread("%s stands where it does not belong", t.say()))
}

// inside reads what is nested.
func (p *parser) inside(read func() node) node {
	if p.depth++; p.depth > maxDepth {
		return p.fail(unread("it nests more than %d deep", maxDepth))
	}
	n := read()
	p.depth--
	return n
}

// pipe reads a | b, which binds least.
func (p *parser) pipe() node {
	return p.inside(func() node {
		left := p.comma()
		if _, ok := p.takes("|"); ok {
			return pipe{left, p.pipe()}
		}
		return left
	})
}

func (p *parser) comma() node {
	left := p.otherwise()
	for {
		if _, ok := p.takes(","); !ok {
			return left
		}
		left = comma{left, p.otherwise()}
	}
}

// otherwise reads a // b, whose right side binds first.
func (p *parser) otherwise() node {
	return p.inside(func() node {
		left := p.or()
		if _, ok := p.takes("//"); ok {
			return otherwise{left, p.otherwise()}
		}
		return left
	})
}

func (p *parser) or() node {
	left := p.and()
	for {
		if _, ok := p.takes("or"); !ok {
			return left
		}
		left = logic{left: left, right: p.and(), or: true}
	}
}

func (p *parser) and() node {
	left := p.compare()
	for {
		if _, ok := p.takes("and"); !ok {
			return left
		}
		left = logic{left: left, right: p.compare()}
	}
}

func (p *parser) compare() node {
	left := p.postfix()
	if op, ok := p.takes("==", "!=", "<", "<=", ">", ">="); ok {
		return compare{left, op, p.postfix()}
	}
	return left
}

// postfix reads a term with all that follows it: .a, [0], [], ?.
func (p *parser) postfix() node {
	at := p.term()
	for p.err == nil {
		t := p.peek()
		switch {
		case t.kind == isField:
			p.take()
			at = index{at, literal{t.text}}
		case t.is("["):
			at = p.brackets(at)
		case t.is("."):
			p.take()
			at = p.afterDot(at)
		case t.is("?"):
			p.take()
			at = attemptOf(at)
		default:
			return at
		}
	}
	return at
}

// attemptOf is what ? makes of a term: of the last step only, not of those before it.
func attemptOf(at node) node {
	switch last := at.(type) {
	case index:
		return pipe{last.of, attempt{index{self{}, last.key}}}
	case each:
		return pipe{last.of, attempt{each{self{}}}}
	}
	return attempt{at}
}

// afterDot reads what follows a dot: "name" or brackets.
func (p *parser) afterDot(at node) node {
	switch t := p.peek(); {
	case t.kind == isText:
		p.take()
		return index{at, literal{t.text}}
	case t.is("["):
		return p.brackets(at)
	default:
		return p.fail(unread("%s does not belong after a dot", t.say()))
	}
}

// brackets reads [] or [KEY] after a term.
func (p *parser) brackets(at node) node {
	p.must("[")
	if _, ok := p.takes("]"); ok {
		return each{at}
	}
	key := p.pipe()
	if p.peek().is(":") {
		return p.refuse(p.peek())
	}
	p.must("]")
	return index{at, key}
}

// term reads what stands by itself.
func (p *parser) term() node {
	t := p.take()
	switch t.kind {
	case isField:
		return index{self{}, literal{t.text}}
	case isText:
		return literal{t.text}
	case isNumber:
		return p.number(t.text)
	case isWord:
		return p.word(t)
	case isMark:
		return p.marked(t)
	default:
		return p.fail(unread("it ends too early"))
	}
}

// marked reads a term that begins with a mark.
func (p *parser) marked(t token) node {
	switch t.text {
	case ".":
		if next := p.peek(); next.kind == isText || next.is("[") {
			return p.afterDot(self{})
		}
		return self{}
	case "..":
		return descend{}
	case "(":
		n := pipe{self{}, p.pipe()} // for a ? after it is about all of it
		p.must(")")
		return n
	case "[":
		if _, ok := p.takes("]"); ok {
			return literal{[]any{}}
		}
		n := p.pipe()
		p.must("]")
		return list{n}
	case "{":
		if _, ok := p.takes("}"); ok {
			return literal{map[string]any{}}
		}
	case "-":
		if p.peek().kind == isNumber {
			return p.number("-" + p.take().text)
		}
	}
	return p.refuse(t)
}

func (p *parser) number(written string) node {
	if whole, err := strconv.ParseInt(written, 10, 64); err == nil {
		return literal{whole}
	}
	value, err := strconv.ParseFloat(written, 64)
	if err != nil {
		return p.fail(unread("%s is too large", written))
	}
	return literal{value}
}

// word reads a term that begins with a word.
func (p *parser) word(t token) node {
	switch t.text {
	case "null":
		return literal{nil}
	case "true", "false":
		return literal{t.text == "true"}
	case "empty":
		return empty{}
	case "if":
		return p.condition()
	case "try":
		return attempt{p.postfix()}
	case "and", "or", "then", "elif", "else", "end", "as", "reduce", "foreach", "def", "label", "import", "include", "catch", "__loc__":
		return p.refuse(t)
	}
	var args []node
	if _, ok := p.takes("("); ok {
		args = append(args, p.pipe())
		for p.peek().is(";") {
			p.take()
			args = append(args, p.pipe())
		}
		p.must(")")
	}
	if p.err != nil {
		return empty{}
	}
	return p.call(t.text, args)
}

// call makes the node of a function.
func (p *parser) call(name string, args []node) node {
	if build, ok := functions[fmt.Sprintf("%s/%d", name, len(args))]; ok {
		n, err := build(args)
		if err != nil {
			return p.fail(err)
		}
		return n
	}
	var names []string
	for known := range maps.Keys(functions) {
		bare, _, _ := strings.Cut(known, "/")
		names = append(names, bare)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if slices.Contains(names, name) {
		return p.fail(unread("%s is called with %s", name, manifest.Plural(len(args), "argument")))
	}
	hint := "the functions that are read are " + strings.Join(names, ", ")
	if name == "with_entries" || name == "map_values" || name == "from_entries" || name == "walk" {
		hint = keysHint
	} else if near := manifest.Closest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return p.fail(unread("the function %s is not among what Pushboat reads of jq", name).hinted(hint))
}

// condition reads the rest of if.
func (p *parser) condition() node {
	return p.inside(func() node {
		n := when{is: p.pipe(), otherwise: self{}}
		p.must("then")
		n.then = p.pipe()
		if _, ok := p.takes("elif"); ok {
			n.otherwise = p.condition()
			return n
		}
		if _, ok := p.takes("else"); ok {
			n.otherwise = p.pipe()
		}
		p.must("end")
		return n
	})
}
