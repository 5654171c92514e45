package server

// jobRoutes are in this file.
func jobRoutes() []Route { return nil }
