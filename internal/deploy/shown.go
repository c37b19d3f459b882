package deploy

// clearNodes removes secrets of the objects from a tree.
func (t *target) clearNodes(nodes []Node) {
	for i := range nodes {
		nodes[i].Message = t.Shown(nodes[i].Message)
		t.clearNodes(nodes[i].Children)
	}
}
