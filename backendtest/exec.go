package backendtest
func sandboxChecks() []check { return nil }
