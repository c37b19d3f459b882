// Package golden compares what Pushboat renders of repositories of Flux and Argo CD with what the
// libraries of Flux's own controllers build of them, object by object. The repositories in trees
// are in the style of the well-known starting layouts. It is a module of its own, so that none of
// these libraries is part of the server, and requires the server's, so that both have the same
// versions of all others, and share the build cache.
package golden
