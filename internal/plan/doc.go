// Package plan works out what a revision would do to a cluster: which objects it creates,
// changes, deletes, hands over and leaves alone, and all that is wrong with it. It reads
// and tries out, and changes nothing.
package plan
