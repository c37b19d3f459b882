package jq

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
)

// node is a part of an expression.
type node interface {
	// eval passes to emit all to which the part leads from a place. It returns the error of
	// emit as it is, and any other means that the part fails there.
	eval(r *run, at place, emit func(place) error) error
	// patterns are those of Path.Patterns, from those of the places at which it begins.
	patterns(from []string) []string
}

// The parts of expressions.
type (
	self      struct{}                   // .
	descend   struct{}                   // ..
	empty     struct{}                   // empty
	literal   struct{ value any }        // "x", 3, null, [], {}
	index     struct{ of, key node }     // of[key]
	each      struct{ of node }          // of[]
	pipe      struct{ left, right node } // left | right
	comma     struct{ left, right node } // left, right
	otherwise struct{ left, right node } // left // right
	attempt   struct{ body node }        // body?
	list      struct{ of node }          // [of]
	chosen    struct{ is node }          // select(is)
	first     struct{ of node }          // first(of)
	when      struct{ is, then, otherwise node }
	logic     struct {
		left, right node
		or          bool
	}
	compare struct {
		left  node
		op    string
		right node
	}
)

// passed is an error of emit on its way through a part that catches its own errors.
type passed struct{ err error }

func (p *passed) Error() string { return p.err.Error() }

// through wraps errors of emit as passed.
func through(emit func(place) error) func(place) error {
	return func(at place) error {
		if err := emit(at); err != nil {
			return &passed{err}
		}
		return nil
	}
}

// caught is what is left of the error of a part whose own errors do not count.
func caught(err error) error {
	if p, ok := err.(*passed); ok { //nolint:errorlint // one that is wrapped is that of a part inside
		return p.err
	}
	if errors.Is(err, ErrTooLong) {
		return err
	}
	return nil
}

func (self) eval(r *run, at place, emit func(place) error) error {
	if err := r.spend(1); err != nil {
		return err
	}
	return emit(at)
}

func (empty) eval(*run, place, func(place) error) error { return nil }

func (n literal) eval(r *run, at place, emit func(place) error) error {
	if err := r.spend(1); err != nil {
		return err
	}
	return emit(at.with(n.value))
}

func (n descend) eval(r *run, at place, emit func(place) error) error {
	if err := r.spend(1); err != nil {
		return err
	}
	if err := emit(at); err != nil {
		return err
	}
	switch at.value.(type) {
	case map[string]any, []any:
		return inside(r, at, func(child place) error { return n.eval(r, child, emit) })
	}
	return nil
}

// inside passes all elements of a list, and all values of a map in the order of its keys. Other
// values have none, which is an error.
func inside(r *run, at place, emit func(place) error) error {
	if at.made {
		return errMade
	}
	switch value := at.value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if err := r.spend(1); err != nil {
				return err
			}
			if err := emit(at.at(key, value[key])); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, child := range value {
			if err := r.spend(1); err != nil {
				return err
			}
			if err := emit(at.at(strconv.Itoa(i), child)); err != nil {
				return err
			}
		}
		return nil
	}
	return errKind
}

func (n index) eval(r *run, at place, emit func(place) error) error {
	return n.of.eval(r, at, func(of place) error {
		return n.key.eval(r, at.freed(), func(key place) error {
			if err := r.spend(1); err != nil {
				return err
			}
			found, err := lookUp(of, key.value)
			if err != nil {
				return err
			}
			return emit(found)
		})
	})
}

// lookUp is the place of a key of a map, or of an index of a list. Its value is nil if there is
// none.
func lookUp(of place, key any) (place, error) {
	if of.made {
		return place{}, errMade
	}
	switch key := key.(type) {
	case string:
		switch value := of.value.(type) {
		case nil:
			return of.at(key, nil), nil
		case map[string]any:
			return of.at(key, value[key]), nil
		}
	default:
		at, ok := float(key)
		if !ok {
			return place{}, errKind
		}
		switch value := of.value.(type) {
		case nil:
			return of.at(strconv.Itoa(toIndex(at, 0)), nil), nil
		case []any:
			if i := toIndex(at, len(value)); i >= 0 && i < len(value) {
				return of.at(strconv.Itoa(i), value[i]), nil
			}
			return of.at(strconv.Itoa(math.MaxInt32), nil), nil
		}
	}
	return place{}, errKind
}

// toIndex is the index that a number means in a list of some length: a negative one counts from
// the end.
func toIndex(number float64, length int) int {
	i := int(max(min(math.Floor(number), math.MaxInt32), math.MinInt32))
	if i < 0 {
		i += length
	}
	return i
}

func (n each) eval(r *run, at place, emit func(place) error) error {
	return n.of.eval(r, at, func(of place) error { return inside(r, of, emit) })
}

func (n pipe) eval(r *run, at place, emit func(place) error) error {
	return n.left.eval(r, at, func(left place) error { return n.right.eval(r, left, emit) })
}

func (n comma) eval(r *run, at place, emit func(place) error) error {
	if err := n.left.eval(r, at, emit); err != nil {
		return err
	}
	return n.right.eval(r, at, emit)
}

func (n otherwise) eval(r *run, at place, emit func(place) error) error {
	found := false
	err := n.left.eval(r, at, func(left place) error {
		if !truth(left.value) {
			return nil
		}
		found = true
		return emit(left)
	})
	if err != nil || found {
		return err
	}
	return n.right.eval(r, at, emit)
}

func (n attempt) eval(r *run, at place, emit func(place) error) error {
	return caught(n.body.eval(r, at, through(emit)))
}

func (n list) eval(r *run, at place, emit func(place) error) error {
	values := []any{}
	err := n.of.eval(r, at.freed(), func(one place) error {
		values = append(values, one.value)
		return r.spend(1)
	})
	if err != nil {
		return err
	}
	return emit(at.with(values))
}

func (n chosen) eval(r *run, at place, emit func(place) error) error {
	return n.is.eval(r, at.freed(), func(is place) error {
		if !truth(is.value) {
			return nil
		}
		return emit(at)
	})
}

func (n first) eval(r *run, at place, emit func(place) error) error {
	stop := &passed{}
	err := n.of.eval(r, at, func(one place) error {
		if stop.err = emit(one); stop.err != nil {
			return &passed{stop.err}
		}
		return stop
	})
	switch p, ok := err.(*passed); { //nolint:errorlint // one that is wrapped is that of a part inside
	case err == stop: //nolint:errorlint // the very same
		return nil
	case ok:
		return p.err
	}
	return err
}

func (n when) eval(r *run, at place, emit func(place) error) error {
	return n.is.eval(r, at.freed(), func(is place) error {
		if truth(is.value) {
			return n.then.eval(r, at, emit)
		}
		return n.otherwise.eval(r, at, emit)
	})
}

func (n logic) eval(r *run, at place, emit func(place) error) error {
	return n.left.eval(r, at.freed(), func(left place) error {
		if truth(left.value) == n.or {
			return emit(at.with(n.or))
		}
		return n.right.eval(r, at.freed(), func(right place) error { return emit(at.with(truth(right.value))) })
	})
}

func (n compare) eval(r *run, at place, emit func(place) error) error {
	return n.right.eval(r, at.freed(), func(right place) error {
		return n.left.eval(r, at.freed(), func(left place) error {
			order, err := orderOf(r, left.value, right.value)
			if err != nil {
				return err
			}
			return emit(at.with(holds(n.op, order)))
		})
	})
}

// holds reports whether a comparison is true of two values of which the left one comes before
// the right one (a negative order), or after it.
func holds(op string, order int) bool {
	switch op {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}
