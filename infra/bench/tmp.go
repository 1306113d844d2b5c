package bench

// WritePages x
func WritePages(root string) error { return nil }
