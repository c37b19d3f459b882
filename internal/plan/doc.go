// Package plan works out what a revision would do to a cluster: which objects it
// creates, changes, deletes, hands over and leaves alone, and everything that is wrong
// with it. It only reads and makes dry-runs.
package plan
