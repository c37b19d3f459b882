// Package report has the words: plans, problems, warnings and outcomes as text, as JSON
// and as Markdown. Other packages decide what is true; this one says it.
package report
