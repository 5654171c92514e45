package server

// execRoutes are in this file.
func execRoutes() []Route { return nil }
