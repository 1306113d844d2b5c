package gateway

// Resource is the path of the call's route as it stands in template.yaml, such as
// "/erasures/{id}": for a function that answers several.
func (c *Call) Resource() string { return c.event.Resource }
