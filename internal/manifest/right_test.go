package manifest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// refusedError is an error for want of a right to a resource.
type refusedError string

func (e refusedError) Error() string { return "may not get " + string(e) }

func (e refusedError) Lacks() Right {
	if e == "" {
		return Right{}
	}
	return Right{Resource: string(e)}
}

func TestLacking(t *testing.T) {
	pods, logs := refusedError("pods"), refusedError("pods/log")
	for what, test := range map[string]struct {
		err  error
		want []string
	}{
		"no error":           {nil, nil},
		"another error":      {errors.New("away"), nil},
		"one":                {pods, []string{"pods"}},
		"one that is none":   {refusedError(""), nil},
		"wrapped":            {fmt.Errorf("read: %w", pods), []string{"pods"}},
		"several":            {errors.Join(pods, errors.New("away"), fmt.Errorf("read: %w", logs)), []string{"pods", "pods/log"}},
		"problems":           {Problems{{Lacks: Right{Resource: "secrets"}}, {Message: "other"}, {Lacks: Right{Resource: "pods"}}}, []string{"secrets", "pods"}},
		"problems, wrapped":  {fmt.Errorf("plan: %w", Problems{{Lacks: Right{Resource: "secrets"}}}), []string{"secrets"}},
		"problems of no one": {Problems{{Message: "other"}}, nil},
	} {
		var got []string
		for _, right := range Lacking(test.err) {
			got = append(got, right.Resource)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}
