package template

// narrowedForHolds are the conditions of rights on holds, and of those that hold.
func narrowedForHolds() map[string]any {
	return map[string]any{
		// Who erases asks whether a customer is held; who holds marks contacts, and
		// states it.
		"DeleteCustomer ConditionCheckItem Holds": keys("customer#*"),
		"DeleteCustomer GetItem Holds":            keys("customer#*"),
		"DeleteCustomer UpdateItem Holds":         keys("customer#*"),
		"PreviewErasures GetItem Holds":           keys("customer#*", "tenant#*"),
		"PreviewErasures BatchGetItem Holds":      keys("number#*", "hold-*"),
		"ContinueErasure UpdateItem Holds":        attributes("hold", "status", "asked", "v"),
		"ContinueErasure UpdateItem Contacts":     attributes("party", "contact", "held"),
		"Cleanup UpdateItem Contacts":             attributes("parties", "party", "contact", "held"),
		"HoldErasures UpdateItem Contacts":        attributes("parties", "party", "contact", "held"),
		"HoldErasures PutItem Erasures":           keys("erasure-hold-*", "erasure-released-*"),
		"HoldErasures DeleteItem Holds":           keys("customer#*", "number#*"),
		"Cleanup DeleteItem Holds":                keys("customer#*", "number#*", "asked-*"),
	}
}
