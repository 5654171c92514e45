package jail

func int80Main() {}
