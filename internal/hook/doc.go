// Package hook is the server's end of Git's hooks. Git runs the hooks as its own
// children, so a hook reaches the server that started git through a unix socket, with a
// token that names the push. The token is made for one push, is good once for each hook,
// and dies with the push; the hook program has nothing else: no database, no cluster
// credentials.
package hook
