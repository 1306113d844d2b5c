package template

// narrowedForRetention are the conditions of the rights of who applies rules: of rules it
// writes how far it has come, and it takes no token and no open job.
func narrowedForRetention() map[string]any {
	return map[string]any{
		"ApplyRetention PutItem Rules":         keys("retention-*"),
		"ApplyRetention UpdateItem Contacts":   attributes("party", "contact", "held"),
		"ApplyRetention PutItem Erasures":      keys("erasure-*", "customer-*", "handover-*"),
		"ApplyRetention UpdateItem Erasures":   keys("customer-*"),
		"ApplyRetention PutItem Customers":     attributes("customer", "record", "tombstone", "at", "activeAt"),
		"ApplyRetention DeleteItem Erasures":   keys("erasure-*", "customer-*"),
		"ApplyRetention DeleteItem Principals": keys("operator#*", "apiUser#*", "app#*"),
	}
}
