"""Pictures of the space of users and sentences (FIND Fig. 3 and 4), flat by t-SNE.

`cut` chooses what is shown at a task's cut, `flat` lays it out, `draw` puts it on paper.
"""
