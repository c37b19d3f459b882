// Package amend changes single values in files that people wrote, and nothing around
// them: comments, anchors, quotes, indentation and ends of lines stay byte for byte. It
// finds the value to change by trial: it changes a candidate, has the app rendered, and
// looks whether the field of the object is as wanted then. So the answer is right for
// manifests, kustomizations, values and templates alike.
package amend
