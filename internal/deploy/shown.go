package deploy

// clearNodes takes out of a tree what its objects must not tell.
func (t *target) clearNodes(nodes []Node) {
	for i := range nodes {
		nodes[i].Message = t.Shown(nodes[i].Message)
		t.clearNodes(nodes[i].Children)
	}
}
