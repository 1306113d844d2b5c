package template

import "maps"

// attributes are the only ones that a call may name. ForAllValues holds also for a
// request without the key.
func attributes(names ...any) any {
	return map[string]any{
		"ForAllValues:StringEquals": map[string]any{"dynamodb:Attributes": names},
		"Null":                      map[string]any{"dynamodb:Attributes": "false"},
	}
}

// both is the condition that two conditions hold.
func both(one, other any) any {
	all := map[string]any{}
	for _, condition := range []any{one, other} {
		for operator, tests := range condition.(map[string]any) {
			joined, _ := all[operator].(map[string]any)
			if joined == nil {
				joined = map[string]any{}
			}
			maps.Copy(joined, tests.(map[string]any))
			all[operator] = joined
		}
	}
	return all
}

// keys is the condition that a right reaches only partition keys like these.
func keys(patterns ...any) any {
	return map[string]any{
		"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": patterns},
		"Null":                    map[string]any{"dynamodb:LeadingKeys": "false"},
	}
}
