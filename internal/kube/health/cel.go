package health

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	celast "github.com/google/cel-go/common/ast"
)

// Limits on an expression. Rules come from repositories, and objects from clusters:
// both may be made to be expensive.
const (
	// MaxExpression bounds an expression in bytes; the longest of the library
	// has 161.
	MaxExpression = 1024
	// maxCost bounds the evaluation of an expression in CEL's own measure, in which the
	// longest of the library needs some hundred. Kubernetes allows a validation
	// 1,000,000, about 100 ms; here several run per watch event.
	maxCost = 100_000
	// maxTime bounds it by the clock, for work that CEL's measure does not see, such as
	// comparing two large maps.
	maxTime = time.Second
	// maxDepth bounds the nesting of an expression.
	maxDepth = 40
)

// variables are the names that expressions may use: the top-level fields of an object,
// as in Flux's healthCheckExprs (RFC 0009).
var variables = []string{"apiVersion", "kind", "metadata", "spec", "status", "data"}

// functions are the functions that read conditions. A condition of an older generation
// does not count.
var functions = map[string]struct {
	field string // of the condition
	is    string // the value to compare it with; "": the field itself
}{
	"isTrue":  {"status", "True"},
	"isFalse": {"status", "False"},
	"reason":  {"reason", ""},
	"message": {"message", ""}, // or the reason, where there is no message
}

// conditionField is the name of those functions in the evaluation: conditionField(x,
// metadata, type, field). Nobody can write this name.
const conditionField = "@condition_field"

// environment is made once, since that takes 1 ms.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		// A regular expression can be very expensive; none is needed.
		cel.StdLib(cel.StdLibSubset(env.NewLibrarySubset().AddExcludedFunctions(env.NewFunction("matches")))),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(MaxExpression),
		cel.ParserRecursionLimit(maxDepth),
		cel.Function(conditionField, cel.Overload(conditionField,
			[]*cel.Type{cel.DynType, cel.DynType, cel.StringType, cel.StringType}, cel.StringType,
			cel.FunctionBinding(fieldOfCondition))),
	}
	for _, name := range variables {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	for name := range functions {
		options = append(options, cel.Macros(cel.ReceiverMacro(name, 1, expandCondition(name))))
	}
	return cel.NewCustomEnv(options...)
})

// expandCondition turns status.isTrue('Ready') into plain CEL.
func expandCondition(name string) cel.MacroFactory {
	f := functions[name]
	return func(make cel.MacroExprFactory, of celast.Expr, args []celast.Expr) (celast.Expr, *cel.Error) {
		call := make.NewCall(conditionField, of, make.NewIdent("metadata"), args[0], make.NewLiteral(types.String(f.field)))
		if f.is == "" {
			return call, nil
		}
		return make.NewCall(operators.Equals, call, make.NewLiteral(types.String(f.is))), nil
	}
}

// fieldOfCondition implements conditionField: "" where there is no such
// condition.
func fieldOfCondition(args ...ref.Val) ref.Val {
	generation, _ := field(args[1], "generation").(types.Int)
	list, ok := field(args[0], "conditions").(traits.Lister)
	if !ok {
		return types.String("")
	}
	for it := list.Iterator(); it.HasNext() == types.True; {
		c := it.Next()
		if name, ok := field(c, "type").(types.String); !ok || name != args[2] {
			continue
		}
		if seen, ok := field(c, "observedGeneration").(types.Int); ok && seen < generation {
			return types.String("")
		}
		text, _ := field(c, string(args[3].(types.String))).(types.String)
		if text == "" && args[3] == types.String("message") {
			text, _ = field(c, "reason").(types.String)
		}
		return text
	}
	return types.String("")
}

// field returns a field of a map, nil if there is none.
func field(of ref.Val, name string) ref.Val {
	m, ok := of.(traits.Mapper)
	if !ok {
		return nil
	}
	value, _ := m.Find(types.String(name))
	return value
}

// conditionCost counts the conditions that are searched.
type conditionCost struct{}

func (conditionCost) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	if function != conditionField {
		return nil
	}
	cost := uint64(1)
	if list, ok := field(args[0], "conditions").(traits.Lister); ok {
		if n, ok := list.Size().(types.Int); ok {
			cost += uint64(n)
		}
	}
	return &cost
}

// expression is a compiled expression.
type expression struct{ program cel.Program }

// errCost means that an evaluation was given up.
var errCost = errors.New("takes too long")

// eval evaluates the expression; nil if it has no value, as when it uses a missing
// field. The error is errCost.
func (e *expression) eval(of map[string]any) (any, error) {
	if e == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	defer cancel()
	value, _, err := e.program.ContextEval(ctx, of)
	if err != nil {
		if cancelled := (interpreter.EvalCancelledError{}); errors.As(err, &cancelled) || ctx.Err() != nil {
			return nil, errCost
		}
		return nil, nil // a missing field makes an expression false
	}
	return value.Value(), nil
}

// isTrue reports whether the expression is true.
func (e *expression) isTrue(of map[string]any) (bool, error) {
	value, err := e.eval(of)
	is, _ := value.(bool)
	return is, err
}

// text returns the value of the expression, if that is text.
func (e *expression) text(of map[string]any) string {
	value, _ := e.eval(of)
	text, _ := value.(string)
	return text
}
